import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkGraph, evaluate, type HostTensor, printGraph, replay, runPasses } from '../src/index.ts';
import { opNames } from '../src/ops/opTable.ts';
import { captureCase } from './caseGraph.ts';
import { opCases } from './opCases.ts';

/** Float32 against float64, through sums of a few dozen terms; tfjs's error function is good to 1.5e-7 itself. */
const tolerance = 3e-5;
const reached = new Set<string>();

beforeAll(async () => {
  await tf.setBackend('cpu');
});

afterAll(() => {
  expect(opNames.filter((op) => !reached.has(op))).toEqual([]);
});

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] as number) - (expected[i] as number));
    expect(difference, `${what}[${i}]: ${actual[i]} for ${expected[i]}`).toBeLessThanOrEqual(
      tolerance * (1 + Math.abs(expected[i] as number)),
    );
  }
}

describe('eager tfjs, a replay, a replay after the passes and the float64 references agree', () => {
  it.each(Object.entries(opCases))('%s', (_, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, fc.nat(1e6), (each, seed) => {
        const { inputs, eager, graph } = captureCase(each, seed);
        const before = tf.memory().numTensors;
        for (const { op } of graph.nodes) reached.add(op);
        checkGraph(graph);
        const rewritten = runPasses(graph, { onPass: (_pass, after) => checkGraph(after) });
        const replays = [graph, rewritten].map((any) => replay(any, inputs) as Record<string, tf.Tensor>);
        const host = new Map(
          Object.entries(inputs).map(([name, tensor]) => [
            name,
            { shape: tensor.shape, dtype: tensor.dtype, data: tensor.dataSync() } as HostTensor,
          ]),
        );
        const oracle = evaluate(graph, host);
        for (const [name, tensor] of Object.entries(eager)) {
          const what = `${name} of ${printGraph(graph)}`;
          const expected = tensor.dataSync();
          for (const replayed of replays) {
            expect(replayed[name]?.shape).toEqual(tensor.shape);
            expect(replayed[name]?.dtype).toBe(tensor.dtype);
          }
          expect(Array.from(replays[0]?.[name]?.dataSync() ?? []), what).toEqual(Array.from(expected));
          expectClose(replays[1]?.[name]?.dataSync() ?? [], expected, what);
          expectClose(oracle.get(name)?.data ?? [], expected, what);
        }
        tf.dispose(replays);
        expect(tf.memory().numTensors).toBe(before);
        tf.dispose([inputs, eager]);
      }),
      { numRuns: 6 },
    );
  });
});
