import { arrayFor } from '@peft/compiler';
import { runPasses, toOnnx } from '@peft/graph';
import { captureCase, opCases } from '@peft/graph/test';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { nativeRuntime } from '../src/native/nativeRuntime.ts';
import type { Runtime } from '../src/runtime.ts';
import { asModel } from './tinyModels.ts';

/** Float32 through sums of a few dozen terms, and error functions good to 1.5e-7. */
const tolerance = 3e-5;

let runtime: Runtime;

beforeAll(async () => {
  await tf.setBackend('cpu');
  runtime = await nativeRuntime({ threads: 1 });
});

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [found, wanted] = [Number(actual[i]), Number(expected[i])];
    if (Number.isNaN(wanted) && Number.isNaN(found)) continue;
    const difference = Math.abs(found - wanted);
    expect(difference, `${what}[${i}]: ${found} for ${wanted}`).toBeLessThanOrEqual(tolerance * (1 + Math.abs(wanted)));
  }
}

describe('ONNX Runtime gives what eager tfjs gives, forward and gradient, before and after the passes', () => {
  it.each(Object.entries(opCases))('%s', async (_, arbitrary) => {
    await fc.assert(
      fc.asyncProperty(arbitrary, fc.nat(1e6), async (each, seed) => {
        const { inputs, eager, graph } = captureCase(each, seed);
        for (const [stage, any] of [
          ['captured', graph],
          ['rewritten', runPasses(graph)],
        ] as const) {
          for (const dialect of ['standard', 'onnxruntime'] as const) {
            const onnx = toOnnx(any, { weights: 'inputs', dialect });
            const session = await runtime.open(asModel(onnx));
            const sources = onnx.parameters.map(({ source }) => ('dataSync' in source ? source.dataSync() : source));
            const feeds = [...onnx.inputs.map(({ name }) => inputs[name]?.dataSync()), ...sources];
            const results = onnx.outputs.map(arrayFor);
            const binding = session.bind(feeds as never, results);
            await binding.run();
            for (const [index, { name }] of onnx.outputs.entries()) {
              expectClose(results[index] ?? [], eager[name]?.dataSync() ?? [], `${stage} ${dialect} ${name}`);
            }
            binding.release();
            session.release();
          }
        }
        tf.dispose([inputs, eager]);
      }),
      { numRuns: 6 },
    );
  });
});
