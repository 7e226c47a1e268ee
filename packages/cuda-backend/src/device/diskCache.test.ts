import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cacheFolder } from './cacheFolder.ts';
import { DiskCache } from './diskCache.ts';

let parent: string;
let folder: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'peft-cuda-test-'));
  folder = join(parent, 'cache');
});
afterEach(() => rmSync(parent, { recursive: true }));

const content = Uint8Array.of(1, 2, 3);
const bytesOf = (kept: Uint8Array | undefined) => kept && [...kept];

it('gives back what was kept, to another process too', () => {
  new DiskCache({ folder }).write(['a', 'b'], content);
  const cache = new DiskCache({ folder });
  expect(bytesOf(cache.read(['a', 'b']))).toEqual([1, 2, 3]);
  cache.write(['a', 'b'], Uint8Array.of(4));
  expect(bytesOf(cache.read(['a', 'b']))).toEqual([4]);
  expect(readdirSync(folder)).toHaveLength(1);
});

it('tells keys apart by their parts', () => {
  const cache = new DiskCache({ folder });
  cache.write(['ab', 'c'], content);
  expect(cache.read(['a', 'bc'])).toBeUndefined();
  expect(cache.read(['abc'])).toBeUndefined();
});

it.each<[string, (path: string) => void]>([
  ['cut short', (path) => truncateSync(path, 34)],
  ['empty', (path) => writeFileSync(path, '')],
  [
    'changed',
    (path) => {
      const bytes = readFileSync(path);
      bytes[33] = 9;
      writeFileSync(path, bytes);
    },
  ],
])('takes an entry that is %s for none, and keeps it anew', (_how, damage) => {
  const cache = new DiskCache({ folder });
  cache.write(['key'], content);
  damage(join(folder, readdirSync(folder)[0] as string));
  expect(cache.read(['key'])).toBeUndefined();
  cache.write(['key'], content);
  expect(bytesOf(cache.read(['key']))).toEqual([1, 2, 3]);
});

it('warns once where nothing can be kept, and goes on', () => {
  writeFileSync(folder, 'a file where the folder would be');
  const warnings: string[] = [];
  const cache = new DiskCache({ folder, onWarning: (message) => warnings.push(message) });
  cache.write(['key'], content);
  cache.write(['other'], content);
  expect(cache.read(['key'])).toBeUndefined();
  expect(warnings).toEqual([
    expect.stringMatching(
      /^compiled kernels cannot be kept in .*cache: (EEXIST|ENOTDIR).*; every process makes them again until PEFT_CUDA_CACHE names a folder that can be written\.$/,
    ),
  ]);
  expect(readdirSync(parent)).toEqual(['cache']);
});

it('keeps in the folder of the variable, else where the platform keeps caches', () => {
  expect(cacheFolder({ PEFT_CUDA_CACHE: '/mine', XDG_CACHE_HOME: '/xdg' })).toBe('/mine');
  expect(cacheFolder({ XDG_CACHE_HOME: '/xdg' }, 'linux')).toBe(join('/xdg', 'peft-cuda'));
  expect(cacheFolder({ LOCALAPPDATA: '/local' }, 'win32')).toBe(join('/local', 'peft-cuda'));
  expect(cacheFolder({}, 'linux')).toMatch(/\.cache.peft-cuda$/);
});
