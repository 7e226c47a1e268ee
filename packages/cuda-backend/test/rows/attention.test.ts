import { sizeOf } from '@peft/core';
import type { HostTensor, Node, TensorType } from '@peft/graph';
import { evaluateNode } from '@peft/graph/test';
import fc from 'fast-check';
import { it } from 'vitest';
import type { Storage } from '../../src/plan/storage.ts';
import { simulated } from '../simulator/simulated.ts';
import { asStored } from '../simulator/storedNumbers.ts';
import { drawnTensor } from './drawnTensor.ts';
import { expectRow } from './expectRow.ts';

interface Drawn {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly size: number;
  readonly width: number;
  readonly causal: boolean;
  readonly tokensFirst: boolean;
  readonly mask: 'none' | 'keys' | 'whole' | 'hidden';
  readonly seed: number;
}

/** Around the edges of tiles of 32 and 64 rows. */
const tokens = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(31, 33, 64, 65, 129));
/** Heads of whole 16 bytes and not, of both widths of tiles. */
const head = fc.constantFrom(1, 3, 8, 20, 40, 64, 65, 80, 128);

const drawn: fc.Arbitrary<Drawn> = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  heads: fc.integer({ min: 1, max: 2 }),
  queries: tokens,
  // One key alone has no gradient but that of its value.
  keys: tokens.map((count) => Math.max(count, 2)),
  size: head,
  width: head,
  causal: fc.boolean(),
  tokensFirst: fc.boolean(),
  mask: fc.constantFrom('none', 'keys', 'whole', 'hidden'),
  seed: fc.nat(1e6),
});

const float = (...shape: number[]): TensorType => ({ shape, dtype: 'float32' });

/** Zeros and a few numbers that hide, for the padding of keys or for each score; 'hidden' hides all keys of the first. */
function maskOf({ mask, batch, heads, queries, keys, causal, seed }: Drawn): readonly HostTensor[] {
  if (mask === 'none') return [];
  const shape = mask === 'whole' ? [heads, queries, keys] : [batch, 1, 1, keys];
  const { data } = drawnTensor(shape, { seed });
  const seesNone = causal && queries > keys;
  const isHidden = (index: number) =>
    mask === 'hidden' ? index < keys : index % keys > 1 && Number(data[index]) < -0.5;
  const added = Float32Array.from(data, (value, i) => (isHidden(i) ? -1e9 : seesNone ? 0 : value));
  return [{ shape, dtype: 'float32', data: asStored(added, 'bf16') }];
}

function nodesOf(each: Drawn) {
  const { batch, heads, queries, keys, size, width, causal, tokensFirst, mask, seed } = each;
  const at = (count: number, last: number) => (tokensFirst ? [batch, count, heads, last] : [batch, heads, count, last]);
  // Where all keys are hidden, float32 tells scores apart no more: then they are equal.
  const isHidden = mask === 'hidden' || (causal && queries > keys);
  const draw = (shape: readonly number[], place: number, mean = 0): HostTensor => {
    const { data, ...type } = drawnTensor(shape, { seed: seed + place, mean });
    return { ...type, data: asStored(data, 'bf16') };
  };
  const zeros = (shape: readonly number[]) => ({ ...float(...shape), data: new Float32Array(sizeOf(shape)) });
  const query = isHidden ? zeros(at(queries, size)) : draw(at(queries, size), 1);
  const key = draw(at(keys, size), 2);
  const value = draw(at(keys, width), 3, 0.5);
  const inputs = [query, key, value, ...maskOf(each)];
  const attributes = { scale: 1 / Math.sqrt(size), causal, tokensFirst };
  const outputs = [float(...at(queries, width)), float(batch, heads, queries, 2)];
  const forward = { op: 'PeftFlashAttention', inputs, attributes, outputs } as unknown as Node;
  const [output, statistics] = evaluateNode(forward, inputs).map((data, place) => ({
    ...(outputs[place] as TensorType),
    data: Float32Array.from(data),
  })) as unknown as [HostTensor, HostTensor];
  const dy = draw(at(queries, width), 4, 1);
  const given = [query, key, value, output, statistics, dy, ...inputs.slice(3)];
  const backward = { op: 'PeftFlashAttentionGrad', inputs: given, attributes, outputs: [query, key, value] };
  return { forward, inputs, backward: backward as unknown as Node, given };
}

simulated('attention without its scores', () => {
  it('exactly, whatever the shapes, the mask and the order of axes', () => {
    fc.assert(
      fc.property(drawn, (each) => {
        const { forward, inputs, backward, given } = nodesOf(each);
        expectRow(forward, inputs, { tolerance: 2e-5 });
        expectRow(backward, given, { tolerance: 2e-5 });
      }),
      { numRuns: 5 },
    );
  });

  it('on tensor cores', () => {
    fc.assert(
      fc.property(drawn, fc.boolean(), (each, isMixed) => {
        const { forward, inputs, backward, given } = nodesOf(each);
        const storages: Storage[] = ['bf16', isMixed ? 'f32' : 'bf16', 'bf16'];
        const mask: Storage = isMixed ? 'bf16' : 'f32';
        const outputs = isMixed ? 'f32' : 'bf16';
        expectRow(forward, inputs, { inputs: [...storages, mask], outputs, tolerance: 2 ** -7 });
        expectRow(backward, given, { inputs: [...storages, 'f32', 'f32', 'bf16', mask], outputs, tolerance: 2 ** -7 });
      }),
      { numRuns: 5 },
    );
  });
});
