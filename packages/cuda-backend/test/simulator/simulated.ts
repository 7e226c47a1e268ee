import { describe } from 'vitest';
import { hasCompiler } from './hostCompiler.ts';

/** Tests that run kernels on the host: left out by name where there is no compiler to build them with. */
export function simulated(name: string, body: () => void): void {
  if (hasCompiler()) describe(name, body);
  else describe.skip(`${name} (left out: it needs g++ on Linux)`, body);
}
