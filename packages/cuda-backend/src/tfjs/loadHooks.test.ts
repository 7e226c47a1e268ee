import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import util from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/tfjs/temporaryFolder.ts';
import { withLoadHooks } from './loadHooks.ts';

const folder = temporaryFolder();
const require = createRequire(join(folder, 'index.js'));
const loader = require('node:module') as { _load: (...call: unknown[]) => unknown };
const original = loader._load;
const names = Object.keys(util);

afterEach(() => {
  expect(loader._load).toBe(original);
  expect(Object.keys(util)).toEqual(names);
});

function write(path: string, text: string): string {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
  return join(folder, path);
}

write(
  'node_modules/@mapbox/node-pre-gyp/index.js',
  "module.exports = { find: (path) => 'found ' + path, util: require('util') };",
);
const uses =
  "module.exports = { util: require('util'), node: require('node:util'), gyp: require('@mapbox/node-pre-gyp') };";

interface Loaded {
  readonly util: Record<string, (value: unknown) => boolean>;
  readonly node: object;
  readonly gyp: { readonly find: (path: string) => string; readonly util: object };
}

let count = 0;
function package_(name = 'tfjs-node-gpu'): string {
  return write(`copy${count++}/${name}/dist/index.js`, uses);
}

it('gives tfjs-node the functions that Node took away, and nobody else', async () => {
  const other = write('other/index.js', uses);
  const [loaded, seen] = await withLoadHooks(
    () => [require(package_()) as Loaded, require(other) as Loaded],
    undefined,
  );
  expect([null, undefined, 0, ''].map((value) => loaded?.util.isNullOrUndefined?.(value))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect([[], [1], 'text', { length: 1 }].map((value) => loaded?.util.isArray?.(value))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(loaded?.util.promisify).toBe(util.promisify);
  expect(Object.hasOwn(loaded?.util ?? {}, 'isNullOrUndefined')).toBe(true);
  expect(loaded?.node).toBe(require('node:util'));
  expect(seen?.util).toBe(require('node:util'));
  expect(loaded?.gyp.util).toBe(require('node:util'));
  const later = require(package_('tfjs-node')) as Loaded;
  expect(later.util).toBe(require('node:util'));
});

it('leads tfjs-node to an addon elsewhere', async () => {
  const loaded = await withLoadHooks(async () => require(package_('tfjs-node')) as Loaded, '/own/tfjs_binding.node');
  expect(loaded.gyp.find('package.json')).toBe('/own/tfjs_binding.node');
  expect(loaded.gyp.util).toBe(require('node:util'));
  const usual = await withLoadHooks(() => require(package_()) as Loaded, undefined);
  expect(usual.gyp.find('package.json')).toBe('found package.json');
});

it('takes its hook away when the load fails', async () => {
  await expect(withLoadHooks(() => require(join(folder, 'none.js')), undefined)).rejects.toThrow('Cannot find module');
  await expect(withLoadHooks(async () => Promise.reject(new Error('no')), undefined)).rejects.toThrow('no');
});

it('takes its hooks away when loads overlap, in whatever order they end', async () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const ends: (() => void)[] = [];
    const loads = [0, 1].map(() => withLoadHooks(() => new Promise<void>((resolve) => ends.push(resolve)), undefined));
    for (const each of order) {
      ends[each]?.();
      await loads[each];
    }
    expect(loader._load).toBe(original);
  }
});

it("does nothing below another's hook, and leaves that in place", async () => {
  const hook = await withLoadHooks(() => {
    const under = loader._load;
    loader._load = function (...call) {
      return under.apply(this, call);
    };
    return loader._load;
  }, undefined);
  expect(loader._load).toBe(hook);
  expect((require(package_()) as Loaded).util).toBe(require('node:util'));
  loader._load = original;
});
