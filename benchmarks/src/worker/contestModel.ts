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
  const { config, architecture, batch, seq, seed, weightStorage } = assignment;
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
    model: family.model(config, randomWeights(family.parameters(config), { seed, weightStorage })),
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
function randomWeights(
  parameters: ReadonlyMap<string, { readonly shape: readonly number[] }>,
  { seed, weightStorage = 'float32' }: { readonly seed: number; readonly weightStorage?: 'bfloat16' | 'float32' },
): Weights {
  const stored = (values: Float32Array) => (weightStorage === 'bfloat16' ? bfloat16Bits(values) : values);
  const Numbers = weightStorage === 'bfloat16' ? Uint16Array : Float32Array;
  const block = stored(normals(seed, blockLength).map((value) => 0.02 * value));
  const [one = 0] = stored(Float32Array.of(1));
  let place = 0;
  const arrays = [...parameters].map(([path, { shape }]): [string, HostArray] => {
    const size = sizeOf(shape);
    const data = new Numbers(size);
    const array = { dtype: weightStorage, shape, data };
    if (shape.length === 1) {
      data.fill(path.endsWith('.weight') ? one : 0);
      return [path, array];
    }
    for (let from = 0; from < size; ) {
      const piece = block.subarray(place, Math.min(blockLength, place + size - from));
      data.set(piece, from);
      from += piece.length;
      place = (place + piece.length) % blockLength;
    }
    return [path, array];
  });
  return new Weights(arrays);
}

/** Finite numbers to the nearest of bfloat16, ties to even. */
function bfloat16Bits(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, (each) => (each + 0x7fff + ((each >>> 16) & 1)) >>> 16);
}
