import { runPasses } from '@peft/graph';
import { captureCase, opCases } from '@peft/graph/test';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { readManifest, readShipped, type ShippedImage } from '../../src/device/shippedImages.ts';
import type { Precision } from '../../src/lowering/emitter.ts';
import type { Command } from '../../src/plan/command.ts';
import { parametersOf } from '../../src/plan/parametersOf.ts';
import { planGraph } from '../../src/plan/planGraph.ts';
import { type CubinKernel, cubinKernels } from './cubinKernels.ts';

const device = {
  name: 'H200',
  architecture: 90,
  multiprocessors: 132,
  sharedMemory: 232_448,
  memory: 2 ** 37,
  driverVersion: 12_080,
};
const { files } = readManifest();
const compiled = new Map<string, ReadonlyMap<string, CubinKernel>>();

/** The kernels of a file as the compiler made them for the device. */
function kernelsOf(file: string): ReadonlyMap<string, CubinKernel> {
  const known = compiled.get(file);
  if (known) return known;
  const image = readShipped(file, device.architecture, files[file]?.images[device.architecture] as ShippedImage);
  const kernels = cubinKernels(image) ?? new Map();
  compiled.set(file, kernels);
  return kernels;
}

function expectFit(command: Command): void {
  if (command.kind !== 'kernel' && command.kind !== 'many') return;
  const { kernel, threads, blocks, sharedBytes = 0 } = command;
  const kernels = kernelsOf(kernel.file);
  const lists = command.kind === 'many' ? command.entries : [command.arguments];
  const name = command.kind === 'many' ? `${kernel.name}Many` : kernel.name;
  const launch = `${command.node}: ${name}, ${blocks} blocks of ${threads}`;
  expect(kernels.has(name), launch).toBe(true);
  const made = kernels.get(kernel.name) as CubinKernel;
  for (const list of lists) {
    const { length } = parametersOf(list, () => 0n).bytes;
    // Structs of a table lie one after another: a size that is no multiple of 8 would shift the next.
    expect(length, launch).toBe(lists.length > 1 ? made.parameterBytes : Math.ceil(made.parameterBytes / 8) * 8);
  }
  expect(threads, launch).toBeLessThanOrEqual(made.mostThreads);
  expect(threads % 32, launch).toBe(0);
  expect(blocks, launch).toBeGreaterThan(0);
  expect(sharedBytes, launch).toBeLessThanOrEqual(device.sharedMemory);
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

it.each(Object.entries(opCases))(
  'launches of %s name kernels that were compiled, with structs and blocks of the size that these have',
  (_, arbitrary) => {
    fc.assert(
      fc.property(
        arbitrary,
        fc.nat(1e6),
        fc.record({ precision: fc.constantFrom<Precision>('float32', 'bf16'), hasProductLibrary: fc.boolean() }),
        (each, seed, options) => {
          const { inputs, eager, graph } = captureCase(each, seed);
          tf.dispose([inputs, eager]);
          for (const any of [graph, runPasses(graph)]) {
            for (const command of planGraph(any, { device, ...options }).commands) expectFit(command);
          }
        },
      ),
      { numRuns: 6 },
    );
  },
);
