import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostArray, type TrainingState } from '@peft/core';
import { trainingDirectory } from '../src/index.ts';
import { arrayChecksum } from '../src/trainingState/checksums.ts';
import { portableCrc32 } from '../src/trainingState/crc32.ts';

/*
 * What saving and loading a training state costs, and what its checksums are of that:
 * node ../../scripts/runSource.mjs bench/stateCost.ts [megabytes, 100]. The best of five.
 */

const megabytes = Number(process.argv[2] ?? 100);
const tensors = 200;
const length = Math.round((megabytes * 1e6) / 4 / tensors);
const values = Float32Array.from({ length }, (_, index) => Math.sin(index));
const names = Array.from({ length: tensors }, (_, index) => `adapter/layer.${index}/a`);
const state: TrainingState = {
  version: 1,
  strategy: 'lora',
  fingerprint: '0123456789abcdef',
  seed: 0,
  step: 1,
  totalSteps: 2,
  position: { epoch: 0, batch: 1 },
  targets: [],
  tensors: Object.fromEntries(names.map((name) => [name, hostArray(values.slice())])),
  starts: {},
  finished: [],
};

const best = async (run: () => unknown): Promise<number> => {
  const seconds: number[] = [];
  for (let turn = 0; turn < 5; turn++) {
    const began = performance.now();
    await run();
    seconds.push((performance.now() - began) / 1000);
  }
  return Math.min(...seconds);
};

const folder = await mkdtemp(join(tmpdir(), 'state-cost-'));
try {
  const store = trainingDirectory(join(folder, 'run'));
  const save = await best(() => store.save(state));
  const load = await best(() => store.load());
  const arrays = Object.values(state.tensors).filter((leaf) => typeof leaf !== 'number');
  const checksums = await best(() => arrays.map(arrayChecksum));
  const portable = await best(() => arrays.map(({ data: { buffer } }) => portableCrc32(new Uint8Array(buffer))));
  console.table({
    megabytes,
    'save, seconds': round(save),
    'load, seconds': round(load),
    'checksums, seconds': round(checksums),
    'checksums without zlib, seconds': round(portable),
    'checksums, part of a save': round(checksums / save),
    'checksums, part of a load': round(checksums / load),
  });
} finally {
  await rm(folder, { recursive: true });
}

function round(value: number): number {
  return Number(value.toPrecision(2));
}
