import { expect, it } from 'vitest';
import { type KoffiModule, loadKoffi } from '../device/loadKoffi.ts';
import { openLibrary } from './openLibrary.ts';

/** A koffi with one library, whose functions do as told. */
function koffiWith(functions: Readonly<Record<string, (cell?: Int32Array) => number>>, opened: unknown[] = []) {
  const load = (path: string, options: unknown) => {
    if (path !== 'libcuda.so.1') throw new Error('cannot open shared object file');
    opened.push([path, options]);
    const func = (name: string, result: string, parameters: readonly string[]) => {
      const found = functions[name];
      if (!found) throw new Error(`Cannot find function '${name}'`);
      expect([result, ...parameters]).toEqual(name.startsWith('cudnn') ? ['size_t'] : ['int', 'void*']);
      return found;
    };
    return { func };
  };
  return { load } as unknown as KoffiModule;
}

const giving = (version: number, status: number) => (cell?: Int32Array) => {
  cell?.fill(version);
  return status;
};

it('reads versions given either way', () => {
  const opened: unknown[] = [];
  const koffi = koffiWith(
    { cuDriverGetVersion: giving(13_000, 0), cudnnGetVersion: () => 90_300, cuFails: giving(1, 999) },
    opened,
  );
  const library = openLibrary(koffi, 'libcuda.so.1');
  expect(library?.version('cuDriverGetVersion', 'pointer')).toBe(13_000);
  expect(library?.version('cudnnGetVersion', 'result')).toBe(90_300);
  expect(library?.version('cuFails', 'pointer')).toBeUndefined();
  expect(library?.version('cuMissing', 'pointer')).toBeUndefined();
  expect(opened).toEqual([['libcuda.so.1', { lazy: true }]]);
});

it('opens nothing where the loader finds nothing', async () => {
  expect(openLibrary(koffiWith({}), 'libcuda.so.2')).toBeUndefined();
  expect(openLibrary(await loadKoffi(), 'libnone-of-this-name.so.1')).toBeUndefined();
});
