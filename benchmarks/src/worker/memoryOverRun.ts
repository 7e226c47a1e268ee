import { cola } from '@peft/cola';
import { fineTune } from '@peft/core';
import { lora } from '@peft/lora';
import { nativeRuntime } from '@peft/onnx-backend';
import * as tf from '@tensorflow/tfjs';
import type { Assignment } from '../step/assignment.ts';
import { contestModel } from './contestModel.ts';
import { contestRun } from './contestRun.ts';
import type { OurEngine } from './ourEngine.ts';

export type MemorySample = {
  readonly step: number;
  readonly tensors: number;
  /** Objects of ONNX Runtime that live; 0 where it does not run. */
  readonly handles: number;
  readonly residentBytes: number;
};

const knots = 20;
const linkLength = 100;
/** In the middle of links, always at the same place, so that what a knot itself holds for a moment is not counted. */
const sampleEvery = linkLength / 2;

/** Samples of a chain of 2,000 steps and 20 knots, garbage collected before each; finished links are not kept. */
export async function memoryOverRun(
  { engine, versions }: OurEngine,
  assignment: Assignment,
): Promise<readonly MemorySample[]> {
  const contest = contestModel(assignment);
  const { rank, alpha } = assignment;
  const isNative = Object.keys(versions).some((name) => name.includes('native'));
  const handles: Readonly<Record<string, number>> = isNative ? (await nativeRuntime()).handles : {};
  const samples: MemorySample[] = [];
  const { dispose } = await fineTune(contest.model, {
    ...contestRun(assignment, contest),
    strategy: cola(lora({ rank, alpha }), { steps: [...Array.from({ length: knots }, () => linkLength), 1] }),
    steps: knots * linkLength + 1,
    keepLinks: false,
    engine,
    progress: false,
    onEvent(event) {
      if (event.type !== 'step' || event.step % linkLength !== sampleEvery) return;
      globalThis.gc?.();
      samples.push({
        step: event.step,
        tensors: tf.memory().numTensors,
        handles: Object.values(handles).reduce((sum, count) => sum + count, 0),
        residentBytes: process.memoryUsage.rss(),
      });
    },
  }).result;
  dispose();
  return samples;
}
