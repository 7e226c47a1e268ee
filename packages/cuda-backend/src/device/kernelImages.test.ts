import { expect, it } from 'vitest';
import { recordedDriver } from '../../test/recording/recordedDriver.ts';
import type { Compiler } from './compiler.ts';
import { kernelImages } from './kernelImages.ts';
import { kernelText } from './kernelSource.ts';
import { openKernelLibrary } from './openKernelLibrary.ts';
import { readManifest, sha256 } from './shippedImages.ts';

/** A compiler whose image is the text that it is given. */
function madeUp() {
  const compiled: string[] = [];
  const compiler: Compiler = {
    version: 'made up 1',
    optionsOf: ({ architecture }) => [`for ${architecture}`],
    compile: async (text, { name, architecture }) => {
      compiled.push(`${name} for ${architecture}`);
      return { image: new TextEncoder().encode(text), log: '' };
    },
  };
  return { compiled, compiler };
}

function memoryCache() {
  const kept = new Map<string, Uint8Array>();
  return {
    kept,
    read: (key: readonly string[]) => kept.get(key.join('|')),
    write: (key: readonly string[], content: Uint8Array) => void kept.set(key.join('|'), content),
  };
}

const hopper = { name: 'H200', architecture: 90 };
const ada = { name: 'L40', architecture: 89 };
const later = { name: 'B400', architecture: 110 };
const nothing = { compiler: 'none', options: '', files: {} };

it('takes what the package brings for the generation of the device, without a compiler', async () => {
  const images = kernelImages({ device: hopper });
  expect(images.canCompile).toBe(false);
  const { bytes, origin } = await images.imageOf({ file: 'norm' });
  expect(origin).toBe('shipped');
  expect(sha256(bytes)).toBe(readManifest().files.norm?.images['90']?.sha256);
  const older = await kernelImages({ device: ada }).imageOf({ file: 'norm' });
  expect(sha256(older.bytes)).toBe(readManifest().files.norm?.images['80']?.sha256);
});

it('compiles what the package brings nothing for, once', async () => {
  const { compiled, compiler } = madeUp();
  const cache = memoryCache();
  const images = () => kernelImages({ device: later, compiler, cache });
  expect(images().canCompile).toBe(true);
  const first = await images().imageOf({ file: 'norm' });
  const second = await images().imageOf({ file: 'norm' });
  expect([first.origin, second.origin]).toEqual(['compiled', 'cache']);
  expect(new TextDecoder().decode(first.bytes)).toBe(kernelText('norm'));
  expect(second.bytes).toEqual(first.bytes);
  expect(compiled).toEqual(['norm.cu for 110']);
});

it('compiles a text that is not the one from which the brought image was made', async () => {
  const { compiled, compiler } = madeUp();
  const manifest = readManifest();
  const norm = { images: {}, ...manifest.files.norm, text: sha256('another text') };
  const changed = { ...manifest, files: { ...manifest.files, norm } };
  const { origin } = await kernelImages({ device: hopper, compiler, manifest: changed }).imageOf({ file: 'norm' });
  expect(origin).toBe('compiled');
  expect(compiled).toEqual(['norm.cu for 90']);
});

it('compiles generated kernels after the prelude', async () => {
  const { compiler } = madeUp();
  const { bytes, origin } = await kernelImages({ device: hopper, compiler }).imageOf({
    file: 'fused1',
    source: 'text',
  });
  expect(origin).toBe('compiled');
  expect(new TextDecoder().decode(bytes)).toBe(kernelText('fused1', 'text'));
});

it('keeps images of other compilers, options and texts apart', async () => {
  const { compiler } = madeUp();
  const cache = memoryCache();
  for (const each of [compiler, { ...compiler, version: 'made up 2' }]) {
    for (const device of [hopper, later]) {
      const images = kernelImages({ device, compiler: each, cache, manifest: nothing });
      for (const file of ['norm', 'loss']) await images.imageOf({ file });
    }
  }
  expect(cache.kept.size).toBe(8);
});

it('says what is needed where neither is there', async () => {
  await expect(kernelImages({ device: later }).imageOf({ file: 'norm' })).rejects.toMatchObject({
    code: 'cuda/compiler',
    message:
      'norm.cu must be compiled for B400 (compute capability 11.0), since no compiled kernels for it come with this package, and NVRTC was not found; run: python3 -m pip install nvidia-cuda-nvrtc-cu12 nvidia-cublas-cu12, and see peft-cuda doctor.',
  });
  await expect(kernelImages({ device: hopper }).imageOf({ file: 'fused1', source: '' })).rejects.toMatchObject({
    code: 'cuda/compiler',
  });
});

it('loads each file once, and gives its kernels and their twins', async () => {
  const recorded = recordedDriver();
  const driver = recorded.open();
  const { compiler, compiled } = madeUp();
  const library = openKernelLibrary(driver, kernelImages({ device: later, compiler }));
  const references = ['norm', 'softmax32', 'norm'].map((name) => ({ file: 'norm', name }));
  await Promise.all([library.load(references), library.load([{ file: 'loss', name: 'sumLosses' }])]);
  await library.load(references);
  expect(compiled).toEqual(['norm.cu for 110', 'loss.cu for 110']);
  const norm = library.kernel({ file: 'norm', name: 'norm128' });
  expect(norm.name).toBe('norm128');
  expect(library.kernel({ file: 'norm', name: 'norm128' })).toBe(norm);
  const twin = library.kernel({ file: 'norm', name: 'norm128' }, { many: true, sharedBytes: 70_000 });
  expect(twin.name).toBe('norm128Many');
  expect(() => library.kernel({ file: 'rotary', name: 'rotary' })).toThrow(
    'internal: kernel rotary of rotary.cu is used before it was loaded; please report it.',
  );
  library.close();
  driver.close();
  expect(recorded.problems()).toEqual([]);
});

it('loads again what failed to compile', async () => {
  const { compiler } = madeUp();
  let fails = true;
  const sometimes: Compiler = {
    ...compiler,
    compile: async (text, request) => {
      if (fails) throw new Error('not now');
      return compiler.compile(text, request);
    },
  };
  const driver = recordedDriver().open();
  const library = openKernelLibrary(driver, kernelImages({ device: later, compiler: sometimes }));
  await expect(library.load([{ file: 'norm', name: 'norm128' }])).rejects.toThrow('not now');
  fails = false;
  await library.load([{ file: 'norm', name: 'norm128' }]);
  expect(library.kernel({ file: 'norm', name: 'norm128' }).name).toBe('norm128');
});
