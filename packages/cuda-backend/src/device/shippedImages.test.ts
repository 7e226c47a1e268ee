import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cubinKernels } from '../../test/recording/cubinKernels.ts';
import { kernelFiles, kernelText } from './kernelSource.ts';
import { usualOptions } from './nvrtcCompiler.ts';
import {
  imageFolder,
  readManifest,
  readShipped,
  type ShippedImage,
  servingArchitecture,
  sha256,
  shippedArchitectures,
} from './shippedImages.ts';

const manifest = readManifest();

it('every file of kernels has images that were made from its present text', () => {
  const made = kernelFiles().map((file) => [file, manifest.files[file]?.text]);
  // Made again by: pnpm --filter @peft/cuda-backend run images
  expect(made).toEqual(kernelFiles().map((file) => [file, sha256(kernelText(file))]));
  expect(manifest.options).toBe(usualOptions.join(' '));
  expect(manifest.compiler).toMatch(/^NVRTC 12\./);
});

it('every image is whole and holds the same kernels, for every architecture', () => {
  for (const file of kernelFiles()) {
    const names = shippedArchitectures.map((architecture) => {
      const image = readShipped(file, architecture, manifest.files[file]?.images[architecture] as ShippedImage);
      return [...(cubinKernels(image) ?? [])].map(([name, { parameterBytes }]) => `${name} ${parameterBytes}`).sort();
    });
    expect(names[0]?.length, file).toBeGreaterThan(1);
    for (const each of names) expect(each).toEqual(names[0]);
  }
});

it('the folder holds nothing else', () => {
  const wanted = kernelFiles().flatMap((file) => shippedArchitectures.map((each) => `${file}.${each}.cubin.br`));
  expect(readdirSync(imageFolder).sort()).toEqual([...wanted, 'figures.json', 'manifest.json'].sort());
});

it('serves devices of the same generation that came later', () => {
  expect([75, 80, 86, 89, 90, 100, 103, 110, 120, 121].map(servingArchitecture)).toEqual([
    undefined,
    80,
    80,
    80,
    90,
    100,
    100,
    undefined,
    120,
    120,
  ]);
});

it('names an image that is missing or damaged', () => {
  const message = (file: string) =>
    `the compiled kernels at ${join(imageFolder, `${file}.90.cubin.br`)} are missing or damaged; install @peft/cuda-backend with its files whole.`;
  const other = { sha256: sha256('other'), bytes: 5 };
  expect(() => readShipped('norm', 90, other)).toThrow(message('norm'));
  expect(() => readShipped('nowhere', 90, other)).toThrow(message('nowhere'));
});
