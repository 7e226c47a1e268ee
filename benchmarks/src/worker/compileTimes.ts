import { capture, runPasses, toOnnx } from '@peft/graph';
import { nativeRuntime } from '@peft/onnx-backend';
import * as tf from '@tensorflow/tfjs';
import type { Assignment } from '../step/assignment.ts';
import { captureCall } from './captureStep.ts';
import { contestModel } from './contestModel.ts';
import { contestRun } from './contestRun.ts';

export type CompileTimes = {
  readonly captureMs: number;
  readonly passesMs: number;
  readonly onnxMs: number;
  readonly sessionMs: number;
  readonly totalMs: number;
  readonly nodes: { readonly captured: number; readonly rewritten: number };
  readonly modelBytes: number;
};

/** What stands between a training step as a function and a session that can run it, the first time in a process. */
export async function compileTimes(assignment: Assignment): Promise<CompileTimes> {
  await tf.setBackend('cpu');
  const contest = contestModel(assignment);
  const { run, options } = await captureCall(contest.model, contestRun(assignment, contest));
  const runtime = await nativeRuntime({ threads: assignment.threads });
  const marks = [performance.now()];
  const mark = <T>(value: T): T => {
    marks.push(performance.now());
    return value;
  };
  const captured = mark(capture(run, options));
  const rewritten = mark(runPasses(captured));
  const { model, inputs, parameters, outputs } = mark(toOnnx(rewritten, { weights: 'inputs', dialect: 'onnxruntime' }));
  const session = mark(await runtime.open({ bytes: model, feeds: [...inputs, ...parameters], results: outputs }));
  session.release();
  const [captureMs, passesMs, onnxMs, sessionMs] = marks.slice(1).map((at, index) => at - (marks[index] as number)) as [
    number,
    number,
    number,
    number,
  ];
  return {
    captureMs,
    passesMs,
    onnxMs,
    sessionMs,
    totalMs: captureMs + passesMs + onnxMs + sessionMs,
    nodes: { captured: captured.nodes.length, rewritten: rewritten.nodes.length },
    modelBytes: model.length,
  };
}
