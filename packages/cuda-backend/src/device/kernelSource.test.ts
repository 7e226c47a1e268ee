import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { kernelFiles, kernelFolder, kernelText } from './kernelSource.ts';

it('finds the folder of the package', () => {
  expect(existsSync(join(kernelFolder, '..', 'package.json'))).toBe(true);
  expect(kernelFiles()).toEqual([...kernelFiles()].sort());
});

it('puts the prelude first, once, with the names and lines of its parts', () => {
  const text = kernelText('given', '#include "prelude.cuh"\nint here;');
  expect(text.startsWith('#line 1 "prelude.cuh"\n// What every kernel file starts with.')).toBe(true);
  expect(text.endsWith('#line 1 "given.cu"\n\nint here;')).toBe(true);
  expect(text.match(/struct ManyParameters/g)).toHaveLength(1);
  expect(text).not.toMatch(/^#(include|pragma once)/m);
});

it('reads every file of kernels', () => {
  for (const file of kernelFiles()) expect(kernelText(file)).toContain(`#line 1 "${file}.cu"\n`);
});

it('names a file that is missing, and who wants it', () => {
  expect(() => kernelText('nowhere')).toThrow(
    `there is no nowhere.cu in the folder of kernels at ${kernelFolder}; install @peft/cuda-backend with its files whole.`,
  );
  expect(() => kernelText('given', '#include "nowhere.cuh"\n')).toThrow(
    `there is no nowhere.cuh in the folder of kernels at ${kernelFolder}, which given.cu includes; install @peft/cuda-backend with its files whole.`,
  );
});
