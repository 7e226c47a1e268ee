import { isPeftError } from '@peft/core';
import { expect, test } from 'vitest';
import { type ByteSource, byteSource } from '../byteSource.ts';
import { rawSafetensors } from '../testing/rawSafetensors.ts';
import { openSafetensors } from './openSafetensors.ts';

const f32 = (shape: unknown, begin: unknown, end: unknown) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });

async function refusal(bytes: Uint8Array): Promise<string> {
  const error: unknown = await openSafetensors(byteSource('w.safetensors', bytes)).catch((thrown: unknown) => thrown);
  if (!isPeftError(error)) throw new Error('the file was accepted', { cause: error });
  return `${error.code}: ${error.message}`;
}

const lengthOnly = (length: bigint) => {
  const file = new Uint8Array(8);
  new DataView(file.buffer).setBigUint64(0, length, true);
  return file;
};

const entryError = (wrong: number, all: number, lines: string) =>
  `checkpoint/tensor-entry: w.safetensors: the header describes ${wrong} of ${all} tensors wrongly; the program that wrote the file is at fault or the file is damaged, write or fetch it again:${lines}`;
const layoutError = (length: number, lines: string) =>
  `checkpoint/layout: w.safetensors: the tensors must cover the ${length} bytes after the header once and without gaps; the program that wrote the file is at fault or the file is damaged, write or fetch it again:${lines}`;
const dtypes =
  'BOOL, F4, F6_E2M3, F6_E3M2, U8, I8, F8_E5M2, F8_E4M3, F8_E8M0, F8_E4M3FNUZ, F8_E5M2FNUZ, I16, U16, F16, BF16, I32, U32, F32, C64, F64, I64, U64';

const refusals: Readonly<Record<string, readonly [Uint8Array, string]>> = {
  'an empty file': [
    new Uint8Array(0),
    'checkpoint/truncated: w.safetensors: the file holds 0 bytes, and the length of the header alone takes 8; fetch or copy the file again.',
  ],
  'a header longer than the file': [
    rawSafetensors('{}').subarray(0, 9),
    'checkpoint/truncated: w.safetensors: the header claims 2 bytes, and 1 follow its length; the copy is incomplete or damaged, fetch the file again.',
  ],
  'a header above the cap': [
    lengthOnly(100_000_001n),
    "checkpoint/header-size: w.safetensors: the header claims 100000001 bytes, and 100000000 is the most the format's readers accept; this is no safetensors file or it is damaged, fetch it again.",
  ],
  'the largest header length there is': [
    lengthOnly(2n ** 64n - 1n),
    "checkpoint/header-size: w.safetensors: the header claims 18446744073709551615 bytes, and 100000000 is the most the format's readers accept; this is no safetensors file or it is damaged, fetch it again.",
  ],
  'a Git LFS pointer': [
    new TextEncoder().encode('version https://git-lfs.github.com/spec/v1'),
    'checkpoint/not-safetensors: w.safetensors: this is a Git LFS pointer and not the file itself; run "git lfs pull" in the folder it came from.',
  ],
  'a PyTorch archive': [
    Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 8, 8, 0),
    'checkpoint/not-safetensors: w.safetensors: this is a PyTorch pickle file, which can run code when it is read and is refused; convert it in Python with safetensors.torch.save_file.',
  ],
  'an old PyTorch pickle': [
    Uint8Array.of(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9),
    'checkpoint/not-safetensors: w.safetensors: this is a PyTorch pickle file, which can run code when it is read and is refused; convert it in Python with safetensors.torch.save_file.',
  ],
  'a header that is not UTF-8': [
    rawSafetensors(Uint8Array.of(0x7b, 0xff, 0x7d)),
    'checkpoint/json: w.safetensors: the header is not UTF-8 text; the file is damaged or is another file, fetch or write it again.',
  ],
  'a header that is an array': [
    rawSafetensors('[]'),
    'checkpoint/json: w.safetensors: the header is an array, and a JSON object is expected; the file is damaged or is another file, fetch or write it again.',
  ],
  'a tensor given twice': [
    rawSafetensors(
      '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
      1,
    ),
    'checkpoint/duplicate-key: w.safetensors: the header gives a key twice, so readers may disagree on its content; write the file again:\n  "a"',
  ],
  'fields given twice': [
    rawSafetensors(
      '{"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]},"__metadata__":{"k":"1","k":"2"}}',
      1,
    ),
    'checkpoint/duplicate-key: w.safetensors: the header gives 2 keys twice, so readers may disagree on its content; write the file again:\n  "a" > "shape"\n  "__metadata__" > "k"',
  ],
  'metadata that is no object': [
    rawSafetensors({ __metadata__: ['pt'] }),
    'checkpoint/metadata: w.safetensors: __metadata__ is an array, and an object of texts is expected; write the file again.',
  ],
  'metadata that is not text': [
    rawSafetensors({ __metadata__: { format: 'pt', step: 3, more: null } }),
    'checkpoint/metadata: w.safetensors: __metadata__ may hold texts only; write the file again with these as texts:\n  "step" is a number\n  "more" is null',
  ],
  'every wrong entry at once': [
    rawSafetensors({
      good: f32([1], 0, 4),
      entry: 7,
      dtype: { dtype: 'F33', shape: [1], data_offsets: [4, 8] },
      noDtype: { shape: [1], data_offsets: [4, 8] },
      shape: f32('2', 4, 8),
      negative: f32([2, -1], 4, 8),
      fraction: f32([1.5], 4, 8),
      text: f32(['1'], 4, 8),
      offsets: { dtype: 'F32', shape: [1], data_offsets: [4] },
    }),
    entryError(
      8,
      9,
      `\n  "entry": the entry is a number, and an object is expected\n  "dtype": dtype is "F33", and the format knows ${dtypes}\n  "noDtype": dtype is absent, and the format knows ${dtypes}\n  "shape": shape is a string, and an array of whole numbers is expected\n  "negative": shape has -1 on axis 1, and a whole number from 0 is expected\n  "fraction": shape has 1.5 on axis 0, and a whole number from 0 is expected\n  "text": shape has a string on axis 0, and a whole number from 0 is expected\n  "offsets": data_offsets is [4], and [begin, end] in whole bytes is expected`,
    ),
  ],
  'lying sizes': [
    rawSafetensors({
      small: f32([2, 3], 0, 20),
      backwards: f32([1], 8, 4),
      overflow: f32([2 ** 30, 2 ** 30], 0, 0),
      beyond: f32([2 ** 53], 0, 0),
      negativeOffset: f32([1], -4, 0),
      noOffsets: { dtype: 'F32', shape: [1] },
      half: { dtype: 'F4', shape: [3], data_offsets: [0, 2] },
    }),
    entryError(
      7,
      7,
      '\n  "small": F32 of shape [2, 3] takes 24 bytes, and data_offsets [0, 20] give 20\n  "backwards": data_offsets begin at 8, after their end at 4\n  "overflow": shape [1073741824, 1073741824] has more elements than can be counted\n  "beyond": shape has 9007199254740992 on axis 0, and a whole number from 0 is expected\n  "negativeOffset": data_offsets is [-4, 0], and [begin, end] in whole bytes is expected\n  "noOffsets": data_offsets is absent, and [begin, end] in whole bytes is expected\n  "half": 3 values of 4 bits do not fill whole bytes',
    ),
  ],
  'a minus zero and a lone surrogate': [
    rawSafetensors(
      '{"z":{"dtype":"U8","shape":[-0],"data_offsets":[0,0]},"\\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
    ),
    entryError(
      2,
      2,
      '\n  "z": shape has -0 on axis 0, and a whole number from 0 is expected\n  "\\ud800": the name is not valid Unicode',
    ),
  ],
  'more than ten problems, and a long name': [
    rawSafetensors(Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`${index}`.padStart(200, 'n'), null]))),
    entryError(
      12,
      12,
      `${`\n  "${'n'.repeat(120)}" (first 120 of 200 characters): the entry is null, and an object is expected`.repeat(10)}\n  and 2 more`,
    ),
  ],
  'truncated data': [
    rawSafetensors({ a: f32([2], 0, 8), b: f32([2], 8, 16) }, 15),
    'checkpoint/truncated: w.safetensors: 1 of 2 tensors end beyond the 15 bytes after the header; the copy is incomplete, fetch the file again:\n  "b" ends at byte 16',
  ],
  'overlapping tensors': [
    rawSafetensors({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12),
    layoutError(12, '\n  "b" begins at byte 4, and "a" ends at 8: 4 bytes belong to both'),
  ],
  'a tensor inside another': [
    rawSafetensors({ a: f32([3], 0, 12), b: f32([1], 4, 8) }, 12),
    layoutError(12, '\n  "b" begins at byte 4, and "a" ends at 12: 4 bytes belong to both'),
  ],
  'the same bytes twice': [
    rawSafetensors({ a: f32([1], 0, 4), b: f32([1], 0, 4) }, 4),
    layoutError(4, '\n  "b" begins at byte 0, and "a" ends at 4: 4 bytes belong to both'),
  ],
  'holes and trailing bytes': [
    rawSafetensors({ a: f32([1], 4, 8), b: f32([1], 12, 16) }, 20),
    layoutError(
      20,
      '\n  "a" begins at byte 4, and the header ends at 0: 4 bytes belong to no tensor\n  "b" begins at byte 12, and "a" ends at 8: 4 bytes belong to no tensor\n  "b" ends at byte 16 of 20: 4 bytes at the end belong to no tensor',
    ),
  ],
  'data and no tensors': [
    rawSafetensors('{}', 3),
    layoutError(3, '\n  the header ends at byte 0 of 3: 3 bytes at the end belong to no tensor'),
  ],
};

test.each(Object.entries(refusals))('refuses %s', async (_, [bytes, message]) => {
  expect(await refusal(bytes)).toBe(message);
});

test('a header as long as the first bytes of a pickle spell is a header', async () => {
  const file = await openSafetensors(byteSource('w.safetensors', rawSafetensors('{}'.padEnd(0x0280))));
  expect(file.tensors.size).toBe(0);
});

test('refuses a header that is not JSON', async () => {
  expect(await refusal(rawSafetensors('{"a":'))).toMatch(
    /^checkpoint\/json: w\.safetensors: the header is not JSON \(.+\); the file is damaged or is another file, fetch or write it again\.$/s,
  );
});

test('accepts padding, unknown fields, zero-sized tensors and an unsorted header', async () => {
  const bytes = rawSafetensors(
    `{"b":${JSON.stringify({ ...f32([1], 4, 8), note: 'x' })}, "e":${JSON.stringify(f32([0, 3], 4, 4))},"a":${JSON.stringify(f32([1], 0, 4))}}   `,
    8,
  );
  const file = await openSafetensors(byteSource('w.safetensors', bytes));
  expect([...file.tensors.keys()]).toEqual(['a', 'e', 'b']);
  expect(file.metadata).toEqual({});
  expect(await file.tensors.get('e')?.read()).toEqual({ dtype: 'float32', shape: [0, 3], data: new Float32Array(0) });
});

test('opens a path, and names one that is not there', async () => {
  const { pathname } = new URL('../__fixtures__/every-dtype.safetensors', import.meta.url);
  expect((await openSafetensors(pathname)).tensors.size).toBe(22);
  await expect(openSafetensors('none.safetensors')).rejects.toMatchObject({
    code: 'checkpoint/missing-file',
    message: 'none.safetensors: there is no such file; check the path.',
  });
});

test('names that objects already have are names like any other', async () => {
  const bytes = rawSafetensors(
    '{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"constructor":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
    1,
  );
  const file = await openSafetensors(byteSource('w.safetensors', bytes));
  expect([...file.tensors.keys()].sort()).toEqual(['__proto__', 'constructor']);
});

test('opening reads the header alone, reading a tensor reads its bytes alone', async () => {
  const bytes = rawSafetensors({ a: f32([2], 0, 8), b: f32([1], 8, 12) }, 12);
  new DataView(bytes.buffer).setFloat32(bytes.length - 4, 2.5, true);
  const ranges: number[][] = [];
  const source: ByteSource = {
    name: 'w.safetensors',
    size: bytes.length,
    read: async (offset, length) => {
      ranges.push([offset, length]);
      return bytes.slice(offset, offset + length);
    },
  };
  const file = await openSafetensors(source);
  expect(ranges).toEqual([
    [0, 8],
    [8, bytes.length - 20],
  ]);
  expect(await file.tensors.get('b')?.read()).toEqual({ dtype: 'float32', shape: [1], data: Float32Array.of(2.5) });
  expect(ranges.slice(2)).toEqual([[bytes.length - 4, 4]]);
});

test('arrays share no memory with the bytes they came from, a Node Buffer at an odd address included', async () => {
  const whole = Buffer.concat([Buffer.alloc(1), rawSafetensors({ a: f32([1], 0, 4) }, 4)]);
  const file = await openSafetensors(byteSource('w.safetensors', whole.subarray(1)));
  const array = await file.tensors.get('a')?.read();
  whole.fill(0xff);
  expect(array?.data).toEqual(Float32Array.of(0));
});

test('a source that answers with fewer bytes, at an odd address or from a Blob', async () => {
  const bytes = rawSafetensors({ a: f32([1], 0, 4) }, 4);
  const short = await openSafetensors({
    name: 'w.safetensors',
    size: bytes.length,
    read: async (offset, length) => bytes.slice(offset, offset + Math.min(length, offset > 8 ? 3 : length)),
  });
  await expect(short.tensors.get('a')?.read()).rejects.toMatchObject({
    code: 'checkpoint/truncated',
    message: `w.safetensors: 4 bytes were read at ${bytes.length - 4} and 3 came back; the file became shorter while it was read, open it again.`,
  });
  const odd = await openSafetensors({
    name: 'w.safetensors',
    size: bytes.length,
    read: async (offset, length) => Buffer.concat([Buffer.alloc(1), bytes.slice(offset, offset + length)]).subarray(1),
  });
  expect((await odd.tensors.get('a')?.read())?.data).toEqual(Float32Array.of(0));
  const blob = await openSafetensors(byteSource('w.safetensors', new Blob([bytes.slice()])));
  expect((await blob.tensors.get('a')?.read())?.data).toEqual(Float32Array.of(0));
});
