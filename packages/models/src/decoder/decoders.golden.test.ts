import {
  adaptedAt,
  batches,
  causalLanguageModeling,
  classification,
  evaluate,
  type HostArray,
  type Loss,
  toTensor,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { expectValues } from '../../test/expectValues.ts';
import { familyOf } from '../../test/familyOf.ts';
import { fixture, golden } from '../../test/golden.ts';
import { onEachBackend } from '../../test/onEachBackend.ts';
import { trainsAsPython } from '../../test/trainsAsPython.ts';
import { loadPretrained } from '../loadPretrained.ts';

const cases: readonly (readonly [name: string, loss: Loss, targets: number])[] = [
  ['gpt2', causalLanguageModeling(), 11],
  ['gpt2-uneven', causalLanguageModeling(), 6],
  ['gpt2-classes', classification(), 5],
  ['llama', causalLanguageModeling(), 16],
  ['llama-uneven', causalLanguageModeling(), 8],
  ['llama-classes', classification(), 5],
  ['opt', causalLanguageModeling(), 13],
  ['opt-uneven', causalLanguageModeling(), 9],
  ['opt-classes', classification(), 5],
];

type Golden = Awaited<ReturnType<typeof golden>>;

function columnsOf({ get }: Golden, side: string): Record<string, HostArray> {
  const names = ['inputIds', 'attentionMask', 'labels'];
  return Object.fromEntries(names.map((name) => [name, get(`${side}/${name}`)]));
}

onEachBackend(() => {
  test.each(cases)(
    '%s: logits and loss, padded on either side and not, are those of transformers',
    async (name, loss) => {
      const model = await loadPretrained(fixture(name));
      const expected = await golden(name);
      const outputs = `${familyOf(name)}: outputs and losses`;
      const logitsOf = (columns: Readonly<Record<string, HostArray>>) =>
        tf.tidy(() => {
          const batch = Object.fromEntries(Object.entries(columns).map(([key, array]) => [key, toTensor(array)]));
          const logits = model.apply(batch, adaptedAt({ weights: model.weights, modules: model.targets }));
          // What padding is told means nothing.
          const isShown = logits.rank === 3 && batch.attentionMask;
          return isShown ? tf.mul(logits, tf.expandDims(isShown, -1)) : logits;
        });
      for (const side of ['right', 'left']) {
        const columns = columnsOf(expected, side);
        const logits = logitsOf(columns);
        expect(logits.shape).toEqual(expected.get(`${side}/logits`).shape);
        expectValues(outputs, logits.dataSync() as Float32Array, values(expected.get(`${side}/logits`)));
        logits.dispose();
        for (const batchSize of [2, 5]) {
          const found = await evaluate(model, { data: batches(columns, { batchSize, shuffle: false }), loss });
          expectValues(`${familyOf(name)}: outputs and losses`, [found.loss], values(expected.get(`${side}/loss`)));
        }
      }
      const unmasked = logitsOf({ inputIds: expected.get('right/inputIds') });
      expectValues(outputs, unmasked.dataSync() as Float32Array, values(expected.get('unmasked')));
      unmasked.dispose();
      model.weights.dispose();
    },
  );

  trainsAsPython(cases, (expected) => columnsOf(expected, 'right'));
});

function values({ data }: HostArray): Float32Array {
  return data as Float32Array;
}
