import { sizeOf } from '@peft/core';
import { type Graph, type HostTensor, type OpName, runPasses, type Value } from '@peft/graph';
import { captureCase, opCases } from '@peft/graph/test';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, it } from 'vitest';
import { cudaRowOf } from '../../src/lowering/cudaTable.ts';
import type { Storage } from '../../src/plan/storage.ts';
import { simulated } from '../simulator/simulated.ts';
import { evaluatedNodes } from './evaluatedNodes.ts';
import { expectRow, type RowOptions } from './expectRow.ts';

/** Nodes of one form have one test. */
const seen = new Set<string>();

beforeAll(async () => {
  await tf.setBackend('cpu');
});

simulated(
  'every operation on the host gives what its float64 reference gives, and the same bits in every order',
  () => {
    it.each(Object.entries(opCases))('%s', (_, arbitrary) => {
      fc.assert(
        fc.property(arbitrary, fc.nat(1e6), (each, seed) => {
          const { inputs, eager, graph } = captureCase(each, seed);
          for (const any of [graph, runPasses(graph)]) expectRows(any, inputs);
          tf.dispose([inputs, eager]);
        }),
        { numRuns: 3 },
      );
    });
  },
);

function expectRows(graph: Graph, inputs: Readonly<Record<string, tf.Tensor>>): void {
  const host = new Map(
    Object.entries(inputs).map(([name, { shape, dtype }]) => [
      name,
      { shape, dtype, data: (inputs[name] as tf.Tensor).dataSync() } as HostTensor,
    ]),
  );
  const exact = new Set<Value>();
  for (const { op, inputs: read, outputs } of graph.nodes) {
    const row = cudaRowOf(op);
    for (const place of row?.exact ?? []) exact.add(outputs[place] as Value);
    if (row?.isView && exact.has(read[0] as Value)) exact.add(outputs[0] as Value);
  }
  for (const { node, inputs: given } of evaluatedNodes(graph, host)) {
    const { op, attributes } = node;
    const key = JSON.stringify([op, attributes, given.map(({ shape, dtype }) => [shape, dtype])]);
    if (seen.has(key)) continue;
    for (const { storages, ...options } of forms) {
      const inputs = node.inputs.map((value, place) => (exact.has(value) ? 'f32' : storages(place)));
      const tolerance = inputs.includes('bf16') && roundsInside.has(op) ? 2 ** -6 : undefined;
      expectRow(node, given, { ...options, inputs, leastScale: 1, ...(tolerance ? { tolerance } : {}) });
    }
    for (const place of cudaRowOf(op)?.inPlace ?? []) {
      const [input, output] = [given[place], node.outputs[0]];
      const fits = input && output && input.dtype === output.dtype && sizeOf(input.shape) === sizeOf(output.shape);
      if (fits) expectRow(node, given, { inPlace: place, leastScale: 1 });
    }
    seen.add(key);
  }
}

/**
 * Products round an f32 operand to bf16 beside one of bf16, and attention what lies between its products: that adds to
 * what inputs and outputs lose where they are stored.
 */
const roundsInside = new Set<OpName>([
  'BatchMatMul',
  'PeftAttention',
  'PeftAttentionGrad',
  'PeftFlashAttention',
  'PeftFlashAttentionGrad',
  'PeftLinearCrossEntropy',
  'PeftLinearCrossEntropyWithGradient',
  'PeftMatMul',
]);

type Form = Omit<RowOptions, 'inputs'> & { readonly storages: (place: number) => Storage };

/** All f32, all bf16, and a mixture; what a row calls exact is f32 wherever it is read. */
const forms: readonly Form[] = [
  { storages: () => 'f32' },
  { storages: () => 'bf16', outputs: 'bf16' },
  { storages: (place) => (place % 2 ? 'f32' : 'bf16'), outputs: 'f32', hasProductLibrary: false },
];
