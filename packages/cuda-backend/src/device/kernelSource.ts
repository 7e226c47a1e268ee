import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CudaError } from '../cudaError.ts';

/** The folder of this package that holds its kernels, seen from its sources and from its build alike. */
export const kernelFolder: string = findKernels();

/** The package's own files of kernels, without `.cu`, sorted. */
export function kernelFiles(): string[] {
  return readdirSync(kernelFolder)
    .filter((name) => name.endsWith('.cu'))
    .map((name) => name.slice(0, -'.cu'.length))
    .sort();
}

/**
 * All text that a compiler is given for a file of kernels: prelude, included texts once each, the file; for a generated
 * file `source` is its text.
 *
 * @throws CudaError `cuda/kernel` where a file or an included one is missing
 */
export function kernelText(file: string, source?: string): string {
  const known = source === undefined ? texts.get(file) : undefined;
  if (known !== undefined) return known;
  const parts: string[] = [];
  const seen = new Set<string>();
  const add = (name: string, text: string) => {
    for (const [, included] of text.matchAll(includeLine)) {
      if (included === undefined || seen.has(included)) continue;
      seen.add(included);
      add(included, readKernel(included, name));
    }
    // Blank lines in place of what is left out keep the numbers of the others.
    parts.push(`#line 1 "${name}"\n${text.replaceAll(includeLine, '').replaceAll(onceLine, '')}`);
  };
  const name = `${file}.cu`;
  add('prelude.cuh', readKernel('prelude.cuh', name));
  seen.add('prelude.cuh');
  add(name, source ?? readKernel(name, undefined));
  const text = parts.join('\n');
  if (source === undefined) texts.set(file, text);
  return text;
}

const texts = new Map<string, string>();
const includeLine = /^#include "([^"]+)".*$/gm;
const onceLine = /^#pragma once$/gm;

function readKernel(name: string, from: string | undefined): string {
  try {
    return readFileSync(join(kernelFolder, name), 'utf8').replaceAll('\r\n', '\n');
  } catch (cause) {
    const where = from === undefined ? '' : `, which ${from} includes`;
    throw new CudaError(
      'cuda/kernel',
      `there is no ${name} in the folder of kernels at ${kernelFolder}${where}; install @peft/cuda-backend with its files whole.`,
      { cause },
    );
  }
}

function findKernels(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'kernels', 'prelude.cuh'))) return join(folder, 'kernels');
    // Raised where a kernel is read: an import never fails.
    if (folder === dirname(folder)) return join(start, 'kernels');
  }
}
