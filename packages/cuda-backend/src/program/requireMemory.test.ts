import { expect, it } from 'vitest';
import { CudaError } from '../cudaError.ts';
import { requireMemory } from './requireMemory.ts';

const need = {
  weights: 13.2 * 2 ** 30,
  state: 300,
  arena: 4 * 2 ** 30,
  inputs: 2 ** 20,
  constants: 33 * 2 ** 20,
  missing: 17.5 * 2 ** 30,
};
const device = { name: 'NVIDIA H200', memory: 139 * 2 ** 30 };

it('says what does not fit, what needs how much, and what to do', () => {
  expect(() => requireMemory('train', need, { device, free: 12 * 2 ** 30 })).toThrow(
    new CudaError(
      'cuda/out-of-memory',
      '"train" does not fit on NVIDIA H200: weights 13.20 GiB, state 300 bytes, results of operations 4.00 GiB, inputs and outputs 1.0 MiB, tables and workspace 33.0 MiB; 17.50 GiB of that are not there yet, and 12.00 GiB of 139.00 GiB are free. Make batches smaller, pass a memoryBudget, or end other programs that use the device.',
    ),
  );
});

it('counts only what is not there yet', () => {
  requireMemory('train', { ...need, missing: 12 * 2 ** 30 }, { device, free: 12 * 2 ** 30 });
  expect(() =>
    requireMemory('train', { ...need, missing: 12 * 2 ** 30 + 1 }, { device, free: 12 * 2 ** 30 }),
  ).toThrow();
});
