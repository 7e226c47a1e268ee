import { type HostArray, hostArray } from '@peft/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byteSource } from '../byteSource.ts';
import { openSafetensors } from './openSafetensors.ts';
import { safetensorsChunks, writeSafetensors } from './writeSafetensors.ts';

const dtypes = {
  float64: Float64Array,
  float32: Float32Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  float8_e4m3: Uint8Array,
  float8_e5m2: Uint8Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;
const dtypeNames = Object.keys(dtypes) as (keyof typeof dtypes)[];

const anyArray: fc.Arbitrary<HostArray> = fc
  .record({
    dtype: fc.constantFrom(...dtypeNames),
    shape: fc.array(fc.nat(4), { maxLength: 4 }),
    seed: fc.nat(255),
  })
  .map(({ dtype, shape, seed }) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const bytes = Uint8Array.from({ length: size * dtypes[dtype].BYTES_PER_ELEMENT }, (_, i) => (i * 37 + seed) % 256);
    return { dtype, shape, data: new dtypes[dtype](bytes.buffer) };
  });
const anyName = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((name) => name !== '__metadata__');
const anyTensors = fc.array(fc.tuple(anyName, anyArray), { maxLength: 8 }).map((pairs) => new Map(pairs));
const anyMetadata = fc.option(
  fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), {
    noNullPrototype: true,
    maxKeys: 4,
  }),
  { nil: undefined },
);

const bits = ({ dtype, shape, data }: HostArray) => ({
  dtype,
  shape,
  type: data.constructor.name,
  bytes: [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
});

test('what is written is read back bit for bit, and the order given does not change a byte', async () => {
  await fc.assert(
    fc.asyncProperty(anyTensors, anyMetadata, async (tensors, metadata) => {
      const bytes = writeSafetensors(tensors, metadata);
      const again = writeSafetensors(new Map([...tensors].reverse()), metadata);
      expect(Buffer.from(again).equals(bytes)).toBe(true);
      const file = await openSafetensors(byteSource('w.safetensors', bytes));
      expect(file.metadata).toEqual(metadata ?? {});
      expect(new Set(file.tensors.keys())).toEqual(new Set(tensors.keys()));
      for (const [name, tensor] of file.tensors) {
        const given = tensors.get(name);
        if (given === undefined) throw new Error(`${name} was never written`);
        expect(bits(await tensor.read())).toEqual(bits(given));
      }
      const headerLength = Number(new DataView(bytes.buffer).getBigUint64(0, true));
      expect(headerLength % 8).toBe(0);
    }),
    { numRuns: 300 },
  );
});

test('a file is laid out as the reference implementation lays it out', () => {
  const tensors = new Map<string, HostArray>([
    ['b', hostArray([1])],
    ['a', hostArray([2])],
    ['wide', { dtype: 'int64', shape: [1], data: BigInt64Array.of(3n) }],
    ['flag', { dtype: 'bool', shape: [], data: Uint8Array.of(1) }],
  ]);
  const header =
    '{"__metadata__":{"a":"2","b":"1"},"wide":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},"flag":{"dtype":"BOOL","shape":[],"data_offsets":[16,17]}}';
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
  expect(padded.length).toBeGreaterThan(header.length);
  const expected = Buffer.concat([
    Uint8Array.of(padded.length % 256, padded.length >> 8, 0, 0, 0, 0, 0, 0),
    Buffer.from(padded),
    Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0),
    new Uint8Array(Float32Array.of(2, 1).buffer),
    Uint8Array.of(1),
  ]);
  expect(Buffer.from(writeSafetensors(tensors, { b: '1', a: '2' })).equals(expected)).toBe(true);
});

test('a view into a larger buffer writes its own part', async () => {
  const part = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
  const bytes = writeSafetensors(new Map([['part', hostArray(part)]]));
  const file = await openSafetensors(byteSource('w.safetensors', bytes));
  expect((await file.tensors.get('part')?.read())?.data).toEqual(Float32Array.of(2, 3));
});

test('refuses everything that cannot be written, at once', () => {
  const data = new Float32Array(2);
  const tensors = new Map<string, HostArray>([
    ['__metadata__', hostArray([1])],
    ['\ud800', hostArray([1])],
    ['dtype', { dtype: 'float128' as 'float64', shape: [2], data }],
    ['axis', { dtype: 'float32', shape: [2, -1], data }],
    ['many', { dtype: 'float32', shape: [2 ** 40, 2 ** 40], data }],
  ]);
  const metadata = { step: 3 as unknown as string, '\udc00': 'x' };
  expect(() => writeSafetensors(tensors, metadata)).toThrow(
    expect.objectContaining({
      code: 'checkpoint/unwritable',
      message:
        'a safetensors file cannot hold what was given; change these:\n  metadata "step" is a number, and only texts are allowed\n  metadata "\\udc00" is not valid Unicode\n  "__metadata__": the format keeps this name for its metadata\n  "\\ud800": the name is not valid Unicode\n  "dtype": dtype "float128" is none of bool, F4, F6_E2M3, F6_E3M2, uint8, int8, float8_e5m2, float8_e4m3, F8_E8M0, F8_E4M3FNUZ, F8_E5M2FNUZ, int16, uint16, float16, bfloat16, int32, uint32, float32, C64, float64, int64, uint64\n  "axis": the shape has -1 on axis 1\n  "many": shape [1099511627776, 1099511627776] has more elements than can be counted',
    }),
  );
});

test('refuses values that are not as many as the shape takes', async () => {
  const wrong = new Map<string, HostArray>([['w', { dtype: 'float32', shape: [2, 2], data: new Float32Array(3) }]]);
  const error = expect.objectContaining({
    code: 'checkpoint/unwritable',
    message:
      '"w" holds 12 bytes of values, and float32 of shape [2, 2] takes 16; pass the shape and dtype of the data.',
  });
  expect(() => writeSafetensors(wrong)).toThrow(error);
  const chunks = safetensorsChunks(wrong);
  await chunks.next();
  await expect(chunks.next()).rejects.toEqual(error);
});

test.each<[string, HostArray]>([
  ['int32 of shape [2]', { dtype: 'int32', shape: [2], data: new Int32Array(2) }],
  ['float32 of shape [2, 1]', { dtype: 'float32', shape: [2, 1], data: new Float32Array(2) }],
])('refuses a lazy tensor announced as float32 of shape [2] that brings %s', async (brought, array) => {
  const lazy = { dtype: 'float32', shape: [2], read: async () => array } as const;
  const chunks = safetensorsChunks(new Map([['w', lazy]]));
  await chunks.next();
  await expect(chunks.next()).rejects.toMatchObject({
    code: 'checkpoint/unwritable',
    message: `"w" was announced as float32 of shape [2] and read as ${brought}; announce what read() returns.`,
  });
});

test('refuses a header that no reader would accept', () => {
  expect(() => writeSafetensors(new Map(), { huge: 'x'.repeat(100_000_000) })).toThrow(
    expect.objectContaining({
      code: 'checkpoint/header-size',
      message:
        "the header would take 100000032 bytes, and 100000000 is the most the format's readers accept; split the tensors over several files or shorten the metadata.",
    }),
  );
});

test('tensors are read one at a time, when their turn comes', async () => {
  const log: string[] = [];
  const lazy = (name: string) => ({
    dtype: 'float32' as const,
    shape: [1],
    read: async () => {
      log.push(`read ${name}`);
      return hostArray([1]);
    },
  });
  const tensors = new Map([
    ['b', lazy('b')],
    ['a', lazy('a')],
  ]);
  for await (const chunk of safetensorsChunks(tensors)) log.push(`${chunk.byteLength > 4 ? 'header' : 'values'}`);
  expect(log).toEqual(['header', 'read a', 'values', 'read b', 'values']);
});
