import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FineTuneOptions, fineTune, type TrainingState } from '@peft/core';
import { requireSameSnapshot, toyModel } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { recipes } from '../../bench/killedRun/recipes.ts';
import type { WritableFile } from '../atomic/fileSystem.ts';
import { failingFileSystem, noFailure } from '../testing/failingFileSystem.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { trainingDirectory } from './trainingDirectory.ts';

const recipe = 'a chain of adalora, saved at every step';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const optionsOf = (changes: Partial<FineTuneOptions>): FineTuneOptions => {
  const { options } = (recipes[recipe] as (typeof recipes)[string])();
  return { ...options, onWarning: () => {}, ...changes };
};

async function stateAtEnd(changes: Partial<FineTuneOptions>): Promise<TrainingState> {
  const run = fineTune(toyModel(), optionsOf(changes));
  (await run.result).dispose();
  return run.state();
}

function expectSame(resumed: TrainingState | undefined, whole: TrainingState, what: string): void {
  requireSameSnapshot(resumed?.tensors ?? {}, whole.tensors, { what });
  expect({ ...resumed, tensors: {} }, what).toEqual({ ...whole, tensors: {} });
}

/** The same run at a third of the cost. */
const shorter = { accumulate: 1, steps: 20 };

/** Trains until the n-th file operation, which never ends, as a process that dies there sees it. */
function trainUntil(folder: string, at: number): Promise<void> {
  const { fileSystem } = failingFileSystem({ at, code: 'DEAD', forGood: true, half: true });
  return new Promise((resolve, reject) => {
    const files: WritableFile[] = [];
    const stop = (error: { readonly code?: string }) => {
      if (error.code !== 'DEAD') throw error;
      // The system closes what a dead process had open.
      for (const file of files.splice(0)) file.close().catch(() => {});
      resolve();
      return new Promise<never>(() => {});
    };
    const store = trainingDirectory(folder, {
      fileSystem: {
        ...fileSystem,
        mkdir: (path, options) => fileSystem.mkdir(path, options).catch(stop),
        readdir: (path) => fileSystem.readdir(path).catch(stop),
        rename: (from, to) => fileSystem.rename(from, to).catch(stop),
        rm: (path, options) => fileSystem.rm(path, options).catch(stop),
        open: async (path, flags) => {
          const file = await fileSystem.open(path, flags).catch(stop);
          files.push(file);
          return {
            write: (bytes, offset, length) => file.write(bytes, offset, length).catch(stop),
            sync: () => file.sync().catch(stop),
            close: () => file.close().catch(stop),
          };
        },
      },
    });
    const { result } = fineTune(toyModel(), optionsOf({ ...shorter, checkpoints: { store, every: 4 } }));
    result.then(() => reject(new Error(`the run ended before operation ${at}`)), reject);
  });
}

it('a run that dies within a save, at operations of every kind, resumes bit-equal', async () => {
  const whole = await stateAtEnd(shorter);
  expect(whole.finished).toHaveLength(3);
  await withTemporaryFolder(async (folder) => {
    const watched = failingFileSystem(noFailure);
    const store = trainingDirectory(join(folder, 'whole'), { fileSystem: watched.fileSystem });
    await stateAtEnd({ ...shorter, checkpoints: { store, every: 4 } });
    const kinds = [...new Set(watched.operations)].sort();
    expect(kinds).toEqual(['close', 'mkdir', 'open', 'readdir', 'rename', 'rm', 'sync', 'write']);
    for (const [index, kind] of kinds.entries()) {
      const places = [...watched.operations.keys()].filter((at) => watched.operations[at] === kind);
      // Each kind in another part of the run.
      const at = places[Math.floor((places.length * (index + 0.5)) / kinds.length)] as number;
      const path = join(folder, String(at));
      await trainUntil(path, at);
      const store = trainingDirectory(path);
      const resumed = await stateAtEnd({
        ...shorter,
        resume: await store.load(),
        checkpoints: { store, every: 10 },
      });
      expectSame(resumed, whole, `died at operation ${at}, ${kind}`);
      expectSame(await store.load(), whole, `the last save after operation ${at}`);
    }
  });
});

it('a process killed in the middle of a write leaves half a save, and the next one resumes bit-equal', async () => {
  await withTemporaryFolder(async (folder) => {
    const order = { recipe, folder, death: { place: 'save-write', at: 700, when: 'amid' } };
    const child = spawn(
      process.execPath,
      ['../../scripts/runSource.mjs', 'bench/killedRun.ts', '--order', JSON.stringify(order)],
      { cwd: fileURLToPath(new URL('../..', import.meta.url)) },
    );
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    await mkdir(join(folder, 'saves'));
    const signal = await new Promise((resolve) => child.on('close', (_, by) => resolve(by)));
    expect([signal, output.match(/^dying .*/m)?.[0]]).toEqual(['SIGKILL', 'dying save-write']);
    const saves = join(folder, 'saves');
    const [unfinished] = (await readdir(saves)).filter((name) => name.startsWith('.'));
    const written = await readFile(join(saves, unfinished as string, 'tensors.safetensors'));
    const store = trainingDirectory(saves);
    const resume = (await store.load()) as TrainingState;
    const { length } = await readFile(
      join(saves, `save-${String(resume.step).padStart(6, '0')}`, 'tensors.safetensors'),
    );
    expect(written.length).toBeLessThan(length);
    const whole = await stateAtEnd({});
    const own = (state: TrainingState) => ({ ...state, settings: undefined });
    expectSame(
      own(await stateAtEnd({ resume, checkpoints: { store, every: 100 } })),
      own(whole),
      `resumed from step ${resume.step}`,
    );
    expect((await readdir(saves)).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});
