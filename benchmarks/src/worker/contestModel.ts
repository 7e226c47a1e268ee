import {
  type AnyModel,
  batches,
  causalLanguageModeling,
  classification,
  type DataSource,
  type HostArray,
  hostArray,
  type Loss,
  PeftError,
  sizeOf,
  Weights,
} from '@peft/core';
import { families } from '@peft/models';
import { normals } from '@peft/ops';
import type { Assignment } from '../step/assignment.ts';

export type ContestModel = { readonly model: AnyModel; readonly data: DataSource; readonly loss: Loss };

/** The model of an assignment with random weights, one batch of it for ever, and what it minimises. */
export function contestModel(assignment: Assignment): ContestModel {
  const { config, architecture, batch, seq, seed } = assignment;
  const family = families[config.model_type];
  if (!family) {
    const known = Object.keys(families).join(', ');
    throw new PeftError('bench/model', `@peft/models has no family "${config.model_type}"; it has ${known}.`);
  }
  const ids = Int32Array.from(normals(seed, batch * seq), (value) => {
    return 3 + (Math.floor(Math.abs(value) * 1e6) % (config.vocab_size - 3));
  });
  const isLanguage = architecture === 'causal-lm';
  const columns = {
    inputIds: hostArray(ids, [batch, seq]),
    attentionMask: hostArray(new Int32Array(batch * seq).fill(1), [batch, seq]),
    labels: isLanguage
      ? hostArray(ids, [batch, seq])
      : hostArray(
          Int32Array.from({ length: batch }, (_, i) => i % 2),
          [batch],
        ),
  };
  return {
    model: family.model(config, randomWeights(family.parameters(config), seed)),
    data: repeated(batches(columns, { batchSize: batch, shuffle: false })),
    loss: isLanguage ? causalLanguageModeling() : classification(),
  };
}

function repeated(source: DataSource): DataSource {
  return {
    async *batches(epoch, seed) {
      while (true) yield* source.batches(epoch, seed, 0);
    },
  };
}

const blockLength = 2 ** 20;

/**
 * Random weights in the time of a copy: every matrix repeats one block of normals of deviation 0.02, from a place of its
 * own, since how long a step takes does not depend on them and a billion draws would take minutes. Each is an array of
 * its own. Biases are zero, norm gains one.
 */
function randomWeights(parameters: ReadonlyMap<string, { readonly shape: readonly number[] }>, seed: number): Weights {
  const block = normals(seed, blockLength).map((value) => 0.02 * value);
  let place = 0;
  const arrays = [...parameters].map(([path, { shape }]): [string, HostArray] => {
    const size = sizeOf(shape);
    const values = new Float32Array(size);
    if (shape.length === 1) return [path, hostArray(values.fill(path.endsWith('.weight') ? 1 : 0), shape)];
    for (let from = 0; from < size; ) {
      const piece = block.subarray(place, Math.min(blockLength, place + size - from));
      values.set(piece, from);
      from += piece.length;
      place = (place + piece.length) % blockLength;
    }
    return [path, hostArray(values, shape)];
  });
  return new Weights(arrays);
}
