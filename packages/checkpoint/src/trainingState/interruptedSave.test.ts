import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainingState } from '@peft/core';
import { expect, it } from 'vitest';
import { failingFileSystem, noFailure } from '../testing/failingFileSystem.ts';
import { everyRemains, forgetfulFileSystem } from '../testing/forgetfulFileSystem.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { fullState } from '../testing/trainingStates.ts';
import { trainingDirectory } from './trainingDirectory.ts';

const codes = {
  ENOSPC: 'checkpoint/disk-full',
  EACCES: 'checkpoint/not-writable',
  EROFS: 'checkpoint/not-writable',
  EIO: 'checkpoint/write-failed',
} as const;

const unharmed = (folder: string) => trainingDirectory(folder, { fileSystem: failingFileSystem(noFailure).fileSystem });

/** The operations of a second save. */
async function operationsOfSave(): Promise<readonly string[]> {
  const watched = failingFileSystem(noFailure);
  await withTemporaryFolder(async (folder) => {
    await unharmed(folder).save(fullState(1));
    await trainingDirectory(folder, { fileSystem: watched.fileSystem }).save(fullState(2));
  });
  return watched.operations;
}

/** The whole of the one save or of the other, told by its step. */
function requireWhole(state: TrainingState | undefined): number {
  expect([1, 2]).toContain(state?.step);
  expect(state).toStrictEqual(fullState(state?.step));
  return (state as TrainingState).step;
}

it.each([
  ['ENOSPC, once,', 'ENOSPC', false],
  ['EACCES, once,', 'EACCES', false],
  ['EROFS, once,', 'EROFS', false],
  ['EIO, once,', 'EIO', false],
  ['EIO, as do all after it,', 'EIO', true],
] as const)(
  'a save whose n-th operation fails with %s leaves the one before or is whole, for every n',
  async (_, code, forGood) => {
    const operations = await operationsOfSave();
    const visibleFrom = operations.indexOf('rename');
    expect(visibleFrom).toBeGreaterThan(10);
    await withTemporaryFolder(async (folder) => {
      for (let at = 0; at < operations.length; at++) {
        const path = join(folder, String(at));
        await unharmed(path).save(fullState(1));
        const { fileSystem } = failingFileSystem({ at, code, forGood, half: operations[at] === 'write' });
        const outcome: string = await trainingDirectory(path, { fileSystem })
          .save(fullState(2))
          .then(
            () => 'saved',
            (error: { readonly code: string }) => error.code,
          );
        const what = `operation ${at}, ${operations[at]}`;
        expect(requireWhole(await trainingDirectory(path).load()), what).toBe(at <= visibleFrom ? 1 : 2);
        // A list that cannot be read is another error than a file that cannot be written.
        const expected = operations[at] === 'readdir' ? 'checkpoint/unreadable' : codes[code];
        if (at <= visibleFrom) expect(outcome, what).toBe(expected);
        await unharmed(path).save(fullState(3));
        expect((await readdir(path)).sort()).toEqual(
          at <= visibleFrom ? ['save-000001', 'save-000002'] : ['save-000002', 'save-000003'],
        );
      }
    });
  },
);

it.each(everyRemains)('a power failure at any operation of a save that leaves %s loses no save', async (remains) => {
  const operationsOf = async (steps: readonly number[], after = Number.POSITIVE_INFINITY) => {
    const disk = forgetfulFileSystem();
    const store = trainingDirectory('/runs/one', { fileSystem: disk.fileSystem, keep: 1 });
    const [last, ...before] = [...steps].reverse();
    for (const step of before.reverse()) await store.save(fullState(step));
    const began = disk.operations;
    disk.failAfter(after);
    const isSaved = await store.save(fullState(last)).then(
      () => true,
      () => false,
    );
    return { disk, isSaved, count: disk.operations - began };
  };
  const { count } = await operationsOf([1, 2]);
  expect(count).toBeGreaterThan(20);
  const found: number[] = [];
  for (let after = 0; after <= count; after++) {
    const { disk, isSaved } = await operationsOf([1, 2], after);
    await withTemporaryFolder(async (folder) => {
      const onDisk = join(folder, 'saves');
      await disk.recover('/runs/one', onDisk, remains);
      const step = requireWhole(await trainingDirectory(onDisk).load());
      if (isSaved) expect(step).toBe(2);
      found.push(step);
    });
  }
  // First the old save, from some operation on the new one.
  expect(found.toSorted()).toEqual(found);
  expect(new Set(found)).toEqual(new Set([1, 2]));
});
