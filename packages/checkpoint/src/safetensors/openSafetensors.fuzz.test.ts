import { readFileSync } from 'node:fs';
import { hostArray, isPeftError } from '@peft/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ByteSource } from '../byteSource.ts';
import { openSafetensors } from './openSafetensors.ts';
import { writeSafetensors } from './writeSafetensors.ts';

const seeds: readonly Uint8Array[] = [
  readFileSync(new URL('../__fixtures__/every-dtype.safetensors', import.meta.url)),
  readFileSync(new URL('../__fixtures__/opaque-dtypes.safetensors', import.meta.url)),
  writeSafetensors(
    new Map([
      ['a', hostArray([1, 2, 3, 4], [2, 2])],
      ['b', hostArray([5])],
    ]),
    { format: 'pt' },
  ),
];

// Pieces of headers that parsers stumble over.
const tokens = [
  ...[
    '{',
    '}',
    '[',
    ']',
    '"',
    ',',
    ':',
    '\\',
    '\u0000',
    '-',
    '-1',
    '-0',
    '0',
    '1',
    '1e9',
    '1e999',
    '0.5',
    'null',
    'true',
  ],
  ...[
    '4294967296',
    '9007199254740991',
    '9007199254740993',
    '18446744073709551615',
    '"__metadata__":{},',
    '"__proto__":',
    '"F64"',
    '"F4"',
  ],
  ...['"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},', '[0,9007199254740991]', '[[', '{{', '\ud83d', '\u2028'],
].map((token) => new TextEncoder().encode(token));

type Mutation = (file: Uint8Array) => Uint8Array;
const splice = (file: Uint8Array, start: number, { remove, insert }: { remove: number; insert: Uint8Array }) =>
  Buffer.concat([file.subarray(0, start), insert, file.subarray(start + remove)]);
// Half of the mutations fall into the header.
const place = fc.tuple(fc.boolean(), fc.nat(1 << 20)).map(([inHeader, at]) => (file: Uint8Array) => {
  const header = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  return inHeader && header + 8 <= file.length && header > 0 ? 8 + (at % header) : at % (file.length + 1);
});
const lengthField: fc.Arbitrary<Mutation> = fc.bigInt(0n, 2n ** 64n - 1n).chain((wide) =>
  fc.constantFrom(wide, wide % 4096n, wide % 100_000_000n).map((length) => (file: Uint8Array) => {
    const copy = new Uint8Array(file);
    new DataView(copy.buffer).setBigUint64(0, length, true);
    return copy;
  }),
);
// Keeps the length field true, so that the damage is inside the header and not at its end.
const repaired =
  (mutate: Mutation): Mutation =>
  (file) => {
    const mutated = new Uint8Array(mutate(file));
    if (mutated.length < 8) return mutated;
    const view = new DataView(mutated.buffer);
    const grown = Number(view.getBigUint64(0, true)) + mutated.length - file.length;
    if (grown >= 0) view.setBigUint64(0, BigInt(grown), true);
    return mutated;
  };
// Swaps one text or number of the header for another value: valid JSON that says something else.
const replaceScalar = fc
  .tuple(fc.nat(1 << 20), fc.constantFrom('7', '-1', '1.5', 'null', '"x"', '""', '[]', '[0]', '{}', '9007199254740993'))
  .map(([pick, value]) =>
    repaired((file) => {
      const scalars = [
        ...Buffer.from(file)
          .toString('latin1')
          .matchAll(/(?<=[:[,])("[^"\\]*"(?!:)|\d+)/g),
      ];
      const scalar = scalars[pick % Math.max(1, scalars.length)];
      if (scalar === undefined) return file;
      return splice(file, scalar.index, { remove: scalar[0].length, insert: new TextEncoder().encode(value) });
    }),
  );
// Moves one tensor to where another is, or past it: true sizes in the wrong places.
const shiftOffsets = fc.tuple(fc.nat(1 << 20), fc.integer({ min: -16, max: 16 })).map(([pick, by]) =>
  repaired((file) => {
    const ranges = [
      ...Buffer.from(file)
        .toString('latin1')
        .matchAll(/\[(\d+),(\d+)\](?=})/g),
    ];
    const range = ranges[pick % Math.max(1, ranges.length)];
    if (range === undefined) return file;
    const moved = `[${Number(range[1]) + by},${Number(range[2]) + by}]`;
    return splice(file, range.index, { remove: range[0].length, insert: new TextEncoder().encode(moved) });
  }),
);
const appendBytes = fc
  .integer({ min: 1, max: 64 })
  .map((count) => (file: Uint8Array) => Buffer.concat([file, Buffer.alloc(count)]));
const anyMutation: fc.Arbitrary<Mutation> = fc.oneof(
  lengthField,
  replaceScalar,
  shiftOffsets,
  appendBytes,
  fc.tuple(place, fc.nat(255)).map(
    ([at, byte]) =>
      (file: Uint8Array) =>
        splice(file, at(file), { remove: 1, insert: Uint8Array.of(byte) }),
  ),
  fc.tuple(place, fc.nat(64)).map(
    ([at, remove]) =>
      (file: Uint8Array) =>
        splice(file, at(file), { remove, insert: new Uint8Array(0) }),
  ),
  fc
    .tuple(place, fc.constantFrom(...tokens), fc.nat(4))
    .map(([at, insert, remove]) => repaired((file) => splice(file, at(file), { remove, insert }))),
  fc
    .tuple(place, place, fc.nat(80))
    .map(([from, at, length]) =>
      repaired((file) =>
        splice(file, at(file), { remove: 0, insert: new Uint8Array(file.subarray(from(file), from(file) + length)) }),
      ),
    ),
  fc.nat(1 << 20).map((length) => (file: Uint8Array) => file.subarray(0, length % (file.length + 1))),
);
const damaged = fc
  .tuple(fc.constantFrom(...seeds), fc.array(anyMutation, { minLength: 1, maxLength: 2 }))
  .map(([seed, mutations]) => mutations.reduce((file, mutate) => (file.length < 8 ? file : mutate(file)), seed));

/** Refuses reads outside the file, as a device would, and counts what was asked for. */
function countingSource(bytes: Uint8Array): ByteSource & { readonly asked: () => number } {
  let asked = 0;
  return {
    name: 'damaged.safetensors',
    size: bytes.length,
    asked: () => asked,
    read: async (offset, length) => {
      if (!Number.isSafeInteger(offset) || offset < 0 || length < 0 || offset + length > bytes.length) {
        throw new RangeError(`${length} bytes at ${offset} of ${bytes.length}`);
      }
      asked += length;
      return new Uint8Array(bytes.subarray(offset, offset + length));
    },
  };
}

test('a damaged file is refused by a PeftError or read whole, within the bytes it has', async () => {
  const outcomes = new Map<string, number>();
  const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  await fc.assert(
    fc.asyncProperty(damaged, async (bytes) => {
      const source = countingSource(bytes);
      try {
        const { tensors } = await openSafetensors(source);
        for (const tensor of tensors.values()) {
          const read = await tensor.readBytes();
          expect(read.byteLength).toBe(tensor.byteLength);
        }
        expect(source.asked()).toBe(bytes.length);
        for (const tensor of tensors.values()) {
          const array = await tensor.read();
          expect(array.data.length).toBe(array.shape.reduce((size, length) => size * length, 1));
        }
        count('accepted');
      } catch (error) {
        if (!isPeftError(error)) throw error;
        expect(error.message.length).toBeLessThan(5000);
        count(error.code);
      }
      expect(source.asked()).toBeLessThanOrEqual(2 * bytes.length);
    }),
    { numRuns: 10_000 },
  );
  // The mutations reach every kind of refusal, so a check that is gone would show.
  expect([...outcomes.keys()].sort()).toEqual([
    'accepted',
    'checkpoint/duplicate-key',
    'checkpoint/header-size',
    'checkpoint/json',
    'checkpoint/layout',
    'checkpoint/metadata',
    'checkpoint/opaque-dtype',
    'checkpoint/tensor-entry',
    'checkpoint/truncated',
  ]);
});
