import {
  adaptedAt,
  batches,
  classification,
  evaluate,
  type HostArray,
  type Loss,
  maskedLanguageModeling,
  regression,
  toTensor,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { expectValues } from '../../test/expectValues.ts';
import { fixture, golden } from '../../test/golden.ts';
import { onEachBackend } from '../../test/onEachBackend.ts';
import { trainsAsPython } from '../../test/trainsAsPython.ts';
import { loadPretrained } from '../loadPretrained.ts';

const cases: readonly (readonly [name: string, loss: Loss, targets: number])[] = [
  ['bert', classification(), 17],
  ['bert-uneven', regression(), 8],
  ['bert-words', classification(), 17],
  ['bert-words', maskedLanguageModeling(), 17],
  ['bert-encoder', regression(), 12],
];

type Golden = Awaited<ReturnType<typeof golden>>;

function columnsOf({ get, keys }: Golden): Record<string, HostArray> {
  const names = ['inputIds', 'attentionMask', 'tokenTypeIds', keys.includes('labels') ? 'labels' : 'targets'];
  return Object.fromEntries(names.map((name) => [name, get(name)]));
}

onEachBackend(() => {
  test.each(cases)(
    '%s: outputs, with and without mask and token types, and loss are those of transformers',
    async (name, loss) => {
      const model = await loadPretrained(fixture(name));
      const expected = await golden(name);
      const columns = columnsOf(expected);
      const outputOf = (names: readonly string[]) =>
        tf.tidy(() => {
          const batch = Object.fromEntries(names.map((each) => [each, toTensor(expected.get(each))]));
          return model.apply(batch, adaptedAt({ weights: model.weights, modules: model.targets }));
        });
      for (const [key, names] of [
        ['output', ['inputIds', 'attentionMask', 'tokenTypeIds']],
        ['unmasked', ['inputIds']],
      ] as const) {
        const output = outputOf(names);
        expect(output.shape).toEqual(expected.get(key).shape);
        expectValues('BERT: outputs and losses', output.dataSync() as Float32Array, values(expected.get(key)));
        output.dispose();
      }
      const evaluated = await evaluate(model, { data: batches(columns, { batchSize: 2, shuffle: false }), loss });
      expectValues('BERT: outputs and losses', [evaluated.loss], values(expected.get('loss')));
      model.weights.dispose();
    },
  );

  trainsAsPython(cases, columnsOf);
});

function values({ data }: HostArray): Float32Array {
  return data as Float32Array;
}
