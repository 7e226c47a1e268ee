import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostArray } from '@peft/core';
import { afterEach, expect, test, vi } from 'vitest';
import { writeSafetensors } from '../safetensors/writeSafetensors.ts';
import { readModelFolder } from './readModelFolder.ts';

const folders: string[] = [];

async function temporaryFolder(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'model-folder-'));
  folders.push(folder);
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

afterEach(async () => {
  vi.unstubAllGlobals();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

const config = '{"model_type":"vit","hidden_size":64}';
const weights = (values: Readonly<Record<string, readonly number[]>>) =>
  writeSafetensors(new Map(Object.entries(values).map(([name, data]) => [name, hostArray(data)])));
const text = (content: string) => new TextEncoder().encode(content);
const index = (weightMap: unknown) => text(JSON.stringify({ metadata: { total_size: 8 }, weight_map: weightMap }));

const two = {
  'config.json': text(config),
  'model.safetensors.index.json': index({ a: 's1.safetensors', b: 's2.safetensors', c: 's1.safetensors' }),
};

test.each(['a path', 'bytes', 'Blobs'])('one file, given by %s', async (given) => {
  const files = { 'config.json': text(config), 'model.safetensors': weights({ w: [1, 2] }) };
  const source =
    given === 'a path'
      ? await temporaryFolder(files)
      : Object.fromEntries(
          Object.entries(files).map(([name, bytes]) => [name, given === 'bytes' ? bytes : new Blob([bytes])]),
        );
  const folder = await readModelFolder(source);
  expect(folder.config).toEqual({ model_type: 'vit', hidden_size: 64 });
  expect([...folder.tensors.keys()]).toEqual(['w']);
  expect(await folder.tensors.get('w')?.read()).toEqual(hostArray([1, 2]));
});

test('shards, and a tensor that the index forgot', async () => {
  const path = await temporaryFolder({
    ...two,
    's1.safetensors': weights({ a: [1], c: [3], forgotten: [4] }),
    's2.safetensors': weights({ b: [2] }),
  });
  const { tensors } = await readModelFolder(path);
  expect([...tensors.keys()].sort()).toEqual(['a', 'b', 'c', 'forgotten']);
  expect(tensors.get('b')?.file).toBe(join(path, 's2.safetensors'));
  const values = await Promise.all(['a', 'b', 'c'].map(async (name) => (await tensors.get(name)?.read())?.data[0]));
  expect(values).toEqual([1, 2, 3]);
});

test('one file is taken when there are shards too, as in Python', async () => {
  const { tensors } = await readModelFolder({ ...two, 'model.safetensors': weights({ w: [1] }) });
  expect([...tensors.keys()]).toEqual(['w']);
});

const pickle = (file: string) =>
  `checkpoint/missing-file: the given files: the weights are in ${file}, a pickle file, which can run code when it is read and is refused; load the model in Python and save it with save_pretrained(folder, safe_serialization=True).`;
const disagree = (shards: number, lines: string) =>
  `checkpoint/shards: the given files: model.safetensors.index.json and the ${shards} shards disagree; fetch all of them again, from one revision of the model:${lines}`;

test.each<[string, Readonly<Record<string, Uint8Array>>, string]>([
  [
    'no config.json',
    { 'model.safetensors': weights({}) },
    'checkpoint/missing-file: the given files: there is no config.json; pass the folder that save_pretrained wrote, the one with config.json in it.',
  ],
  [
    'a config.json that is no object',
    { 'config.json': text('[1]') },
    'checkpoint/json: config.json is an array, and a JSON object is expected; the file is damaged or is another file, fetch or write it again.',
  ],
  [
    'a config.json that is not text',
    { 'config.json': Uint8Array.of(0xff) },
    'checkpoint/json: config.json is not UTF-8 text; the file is damaged or is another file, fetch or write it again.',
  ],
  [
    'a key twice in config.json',
    { 'config.json': text('{"a":{"b":1,"c":[{"d":"}\\"{"}],"b":2}}') },
    'checkpoint/duplicate-key: config.json gives a key twice, so readers may disagree on its content; write the file again:\n  "a" > "b"',
  ],
  [
    'no weights',
    { 'config.json': text(config) },
    'checkpoint/missing-file: the given files: there is neither model.safetensors nor model.safetensors.index.json; fetch the weights too.',
  ],
  ['pickled weights', { 'config.json': text(config), 'pytorch_model.bin': text('') }, pickle('pytorch_model.bin')],
  [
    'pickled shards',
    { 'config.json': text(config), 'pytorch_model.bin.index.json': text('') },
    pickle('pytorch_model.bin.index.json'),
  ],
  [
    'an index without a weight map',
    { ...two, 'model.safetensors.index.json': text('{}') },
    'checkpoint/index: the given files: weight_map in model.safetensors.index.json is absent, and an object of shard names by tensor name is expected; fetch the index again.',
  ],
  [
    'an index that leaves the folder',
    {
      ...two,
      'model.safetensors.index.json': index({
        a: '../s1.safetensors',
        b: '/etc/passwd',
        c: 'C:\\x',
        d: '..',
        e: 5,
        f: 's1.safetensors',
      }),
    },
    'checkpoint/index: the given files: weight_map in model.safetensors.index.json must map each tensor to the plain name of a file beside it; fetch the index again:\n  "a" maps to "../s1.safetensors", which would leave the folder\n  "b" maps to "/etc/passwd", which would leave the folder\n  "c" maps to "C:\\\\x", which would leave the folder\n  "d" maps to "..", which would leave the folder\n  "e" maps to a number',
  ],
  [
    'a tensor twice in the index',
    { ...two, 'model.safetensors.index.json': text('{"weight_map":{"a":"s1.safetensors","a":"s2.safetensors"}}') },
    'checkpoint/duplicate-key: model.safetensors.index.json gives a key twice, so readers may disagree on its content; write the file again:\n  "weight_map" > "a"',
  ],
  [
    'missing shards',
    two,
    'checkpoint/missing-file: the given files: 2 of the 2 shards that model.safetensors.index.json names are missing; fetch them too:\n  "s1.safetensors"\n  "s2.safetensors"',
  ],
  [
    'shards that disagree with the index',
    { ...two, 's1.safetensors': weights({ a: [1], b: [1] }), 's2.safetensors': weights({ a: [1] }) },
    disagree(
      2,
      '\n  "a" is in "s1.safetensors" and again in "s2.safetensors"\n  "b" is not in "s2.safetensors" but in "s1.safetensors"\n  "c" is not in "s1.safetensors"',
    ),
  ],
  [
    'a damaged shard',
    { ...two, 's1.safetensors': weights({ a: [1], c: [1] }).subarray(0, 100), 's2.safetensors': weights({ b: [1] }) },
    'checkpoint/truncated: s1.safetensors: the header claims 112 bytes, and 92 follow its length; the copy is incomplete or damaged, fetch the file again.',
  ],
])('refuses %s', async (_, files, message) => {
  const error = await readModelFolder(files).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: message.split(':')[0], message: message.slice(message.indexOf(' ') + 1) });
});

test('a config.json that is not JSON is named, with the reason', async () => {
  await expect(readModelFolder({ 'config.json': text('{"a": NaN}') })).rejects.toMatchObject({
    code: 'checkpoint/json',
    message: expect.stringMatching(
      /^config\.json is not JSON \(.*N.*\); the file is damaged or is another file, fetch or write it again\.$/,
    ),
  });
});

test('names that objects inherit are not files', async () => {
  await expect(
    readModelFolder({ ...two, 'model.safetensors.index.json': index({ a: 'constructor' }) }),
  ).rejects.toMatchObject({ code: 'checkpoint/missing-file' });
});

test('a folder that is not there, and a folder in the place of a file', async () => {
  const path = await temporaryFolder({});
  await expect(readModelFolder(join(path, 'none'))).rejects.toMatchObject({
    code: 'checkpoint/missing-file',
    message: `${join(path, 'none')}: there is no config.json; pass the folder that save_pretrained wrote, the one with config.json in it.`,
  });
  await mkdir(join(path, 'config.json'));
  await expect(readModelFolder(path)).rejects.toMatchObject({
    code: 'checkpoint/unreadable',
    message: `${join(path, 'config.json')}: the file cannot be read (not a file); check that it is a file this user may read.`,
  });
});

test('a file that was replaced after it was opened is refused, never mixed', async () => {
  const path = await temporaryFolder({ 'config.json': config, 'model.safetensors': weights({ w: [1] }) });
  const { tensors } = await readModelFolder(path);
  const file = join(path, 'model.safetensors');
  await writeFile(file, weights({ w: [2] }));
  await utimes(file, 1, 1);
  await expect(tensors.get('w')?.read()).rejects.toMatchObject({
    code: 'checkpoint/changed',
    message: `${file}: the file was replaced or written to after it was opened; open it again.`,
  });
  await rm(file);
  await expect(tensors.get('w')?.read()).rejects.toMatchObject({
    code: 'checkpoint/unreadable',
    message: `${file}: the file cannot be read (ENOENT); check that it is a file this user may read.`,
  });
});

test('a file of the same size and time put in its place is refused too', async () => {
  const path = await temporaryFolder({
    'config.json': config,
    'model.safetensors': weights({ w: [1] }),
    other: weights({ w: [2] }),
  });
  for (const file of ['model.safetensors', 'other']) await utimes(join(path, file), 1, 1);
  const { tensors } = await readModelFolder(path);
  expect((await tensors.get('w')?.read())?.data).toEqual(Float32Array.of(1));
  await rename(join(path, 'other'), join(path, 'model.safetensors'));
  await expect(tensors.get('w')?.read()).rejects.toMatchObject({ code: 'checkpoint/changed' });
});

test('without a file system, a path is refused and files still work', async () => {
  vi.stubGlobal('process', undefined);
  await expect(readModelFolder('model')).rejects.toMatchObject({
    code: 'checkpoint/no-file-system',
    message:
      'a path was given, and there is no file system here; pass the files themselves, as an object of Blobs by file name.',
  });
  const { config: read } = await readModelFolder({ 'config.json': text(config), 'model.safetensors': weights({}) });
  expect(read.model_type).toBe('vit');
});
