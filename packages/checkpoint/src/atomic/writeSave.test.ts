import { spawn } from 'node:child_process';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { isPeftError } from '@peft/core';
import { expect, test } from 'vitest';
import { failingFileSystem, noFailure } from '../testing/failingFileSystem.ts';
import { textsIn, withTemporaryFolder } from '../testing/temporaryFolder.ts';
import type { FileContent } from './stageFiles.ts';
import { listSaves, writeSave } from './writeSave.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

const contentOf = (generation: number): Record<string, FileContent> => ({
  'weights.bin': [bytes(`weights ${generation}, `), bytes('in two pieces')],
  'state.json': bytes(`{"generation":${generation}}`),
});
const textsOf = (generation: number) => ({
  'weights.bin': `weights ${generation}, in two pieces`,
  'state.json': `{"generation":${generation}}`,
});

test('saves are numbered, complete, and the last two stay', () =>
  withTemporaryFolder(async (folder) => {
    const root = join(folder, 'not', 'yet', 'there');
    expect(await listSaves(root)).toEqual([]);
    for (let generation = 1; generation <= 4; generation++) {
      const path = await writeSave(root, contentOf(generation));
      expect(path).toBe(join(root, `save-00000${generation}`));
      expect(await textsIn(path)).toEqual(textsOf(generation));
    }
    expect(await listSaves(root)).toEqual(['save-000004', 'save-000003']);
    expect((await readdir(root)).sort()).toEqual(['save-000003', 'save-000004']);
    expect(await textsIn(join(root, 'save-000003'))).toEqual(textsOf(3));
  }));

test('keep says how many stay, and names that are no saves are left alone', () =>
  withTemporaryFolder(async (root) => {
    await mkdir(join(root, 'save-best'));
    await mkdir(join(root, '.save-000009.unfinished'));
    await writeFile(join(root, 'notes.txt'), 'mine');
    for (let generation = 1; generation <= 4; generation++) await writeSave(root, contentOf(generation), { keep: 3 });
    expect((await readdir(root)).sort()).toEqual([
      'notes.txt',
      'save-000002',
      'save-000003',
      'save-000004',
      'save-best',
    ]);
    await writeSave(root, contentOf(5), { keep: 1 });
    expect(await listSaves(root)).toEqual(['save-000005']);
  }));

test('what dead writers left goes at the next save, what others may be writing stays', () =>
  withTemporaryFolder(async (root) => {
    const host = hostname().replace(/\W+/g, '-');
    const dead = await deadProcess();
    const hoursAgo = new Date(Date.now() - 61 * 60 * 1000);
    const left = {
      dead: `.save-000004.${host}.${dead}.1.unfinished`,
      deadThread: `.save-000004.${host}.${dead}-3.1.unfinished`,
      own: `.save-000004.${host}.${process.pid}-${threadId}.0.unfinished`,
      oldOfAnotherHost: `.save-000004.elsewhere.${dead}-0.1.unfinished`,
      oldOfALivingProcess: `.save-000005.${host}.${process.ppid}-0.7.unfinished`,
      oldOfAnotherThread: `.save-000005.${host}.${process.pid}-${threadId + 1}.7.unfinished`,
      removed: '.save-000001.removed',
      ofBeforeWriters: '.save-000003.unfinished',
    };
    const stays = {
      freshOfAnotherHost: `.save-000005.elsewhere.${dead}-0.1.unfinished`,
      freshOfALivingProcess: `.save-000004.${host}.${process.ppid}-0.7.unfinished`,
      freshOfAnotherThread: `.save-000004.${host}.${process.pid}-${threadId + 1}.7.unfinished`,
      ofBeforeThreads: `.save-000006.${host}.${process.ppid}.7.unfinished`,
      someoneElses: '.save-best.unfinished',
    };
    for (const name of [...Object.values(left), ...Object.values(stays)]) {
      await mkdir(join(root, name));
      await writeFile(join(root, name, 'weights.bin'), 'half');
    }
    const old = [left.oldOfAnotherHost, left.oldOfALivingProcess, left.oldOfAnotherThread, stays.someoneElses];
    for (const name of old) {
      await utimes(join(root, name), hoursAgo, hoursAgo);
    }
    await writeSave(root, contentOf(1));
    expect((await readdir(root)).sort()).toEqual([...Object.values(stays), 'save-000001'].sort());
    for (const name of Object.values(stays)) expect(await textsIn(join(root, name))).toEqual({ 'weights.bin': 'half' });
  }));

test('of two writers of one number the later is refused, and neither sweeps away what the other writes', () =>
  withTemporaryFolder(async (root) => {
    let reached = () => {};
    const halfway = new Promise<void>((resolve) => {
      reached = resolve;
    });
    let goOn = () => {};
    const wait = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    async function* slow() {
      yield bytes('one ');
      reached();
      await wait;
      yield bytes('two');
    }
    const first = writeSave(root, { 'a.txt': slow() });
    await halfway;
    expect(await writeSave(root, contentOf(2))).toBe(join(root, 'save-000001'));
    goOn();
    await expect(first).rejects.toMatchObject({
      code: 'checkpoint/two-writers',
      message: `${join(root, 'save-000001')} was made while it was being written: another process saves there too; nothing of this save was kept and that of the other is whole; give each run a directory of its own.`,
    });
    expect(await readdir(root)).toEqual(['save-000001']);
    expect(await textsIn(join(root, 'save-000001'))).toEqual(textsOf(2));
  }));

test('saves to spare stay and do not count', () =>
  withTemporaryFolder(async (root) => {
    for (const generation of [1, 2]) await writeSave(root, contentOf(generation));
    const spare = new Set(['save-000001', 'save-000002']);
    for (const generation of [3, 4]) await writeSave(root, contentOf(generation), { keep: 1, spare });
    expect(await listSaves(root)).toEqual(['save-000004', 'save-000002', 'save-000001']);
  }));

test('saves sort by number beyond the padding', () =>
  withTemporaryFolder(async (root) => {
    for (const name of ['save-999999', 'save-1000000']) await mkdir(join(root, name));
    expect(await listSaves(root)).toEqual(['save-1000000', 'save-999999']);
    expect(await writeSave(root, contentOf(1))).toBe(join(root, 'save-1000001'));
  }));

test('content may be made piece by piece', () =>
  withTemporaryFolder(async (root) => {
    async function* pieces() {
      yield bytes('one ');
      yield bytes('');
      yield bytes('two');
    }
    expect(await textsIn(await writeSave(root, { 'a.txt': pieces() }))).toEqual({ 'a.txt': 'one two' });
  }));

async function operationsOfThirdSave(): Promise<readonly string[]> {
  return withTemporaryFolder(async (root) => {
    for (const generation of [1, 2]) await writeSave(root, contentOf(generation));
    const { fileSystem, operations } = failingFileSystem(noFailure);
    await writeSave(root, contentOf(3), { fileSystem });
    return operations;
  });
}

test('everything reaches the disk before the rename, and nothing older goes before it', async () => {
  const file = ['open', 'write', 'sync', 'close'];
  expect(await operationsOfThirdSave()).toEqual([
    ...['mkdir', 'readdir', 'mkdir'],
    ...['open', 'write', 'write', 'sync', 'close'],
    ...file,
    ...['open', 'sync', 'close', 'rename', 'open', 'sync', 'close'],
    ...['rename', 'rm'],
  ]);
});

test('every new folder above a save reaches the disk before it', () =>
  withTemporaryFolder(async (folder) => {
    const { fileSystem } = failingFileSystem(noFailure);
    const flushed: string[] = [];
    const open: typeof fileSystem.open = (path, flags) => {
      if (flags === 'r') flushed.push(path);
      return fileSystem.open(path, flags);
    };
    await writeSave(join(folder, 'a', 'b'), {}, { fileSystem: { ...fileSystem, open } });
    expect(flushed.map(withoutWriter)).toEqual([
      join(folder, 'a'),
      folder,
      join(folder, 'a', 'b', '.save-000001.unfinished'),
      join(folder, 'a', 'b'),
    ]);
  }));

test.each([
  ['fails once', 'ENOSPC', false],
  ['fails once', 'EACCES', false],
  ['fails once', 'EIO', false],
  ['and all after it fail', 'EIO', true],
])('whichever operation %s with %s, earlier saves stay readable', async (_, code, forGood) => {
  const operations = await operationsOfThirdSave();
  const visibleFrom = operations.indexOf('rename');
  for (let at = 0; at < operations.length; at++) {
    for (const half of operations[at] === 'write' ? [false, true] : [false]) {
      await withTemporaryFolder(async (root) => {
        for (const generation of [1, 2]) await writeSave(root, contentOf(generation));
        const { fileSystem } = failingFileSystem({ at, code, forGood, half });
        const error: unknown = await writeSave(root, contentOf(3), { fileSystem }).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        const saves = await listSaves(root);
        for (const save of saves) expect(await textsIn(join(root, save))).toEqual(textsOf(Number(save.slice(-1))));
        if (at <= visibleFrom) {
          expect(isPeftError(error)).toBe(true);
          expect(saves).toEqual(['save-000002', 'save-000001']);
        } else {
          expect(saves.slice(0, 2)).toEqual(['save-000003', 'save-000002']);
        }
        if (!forGood && at <= visibleFrom) expect((await readdir(root)).sort()).toEqual(['save-000001', 'save-000002']);
        const next = await writeSave(root, contentOf(4));
        expect(next).toBe(join(root, `save-00000${at <= visibleFrom ? 3 : 4}`));
        expect(await listSaves(root)).toHaveLength(2);
        expect(await readdir(root)).toHaveLength(2);
      });
    }
  }
});

/** The number of a process that has ended. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await new Promise((resolve) => child.on('close', resolve));
  return child.pid as number;
}

/** The name of an unfinished save without the host, process and thread that wrote it. */
function withoutWriter(text: string): string {
  return text.replaceAll(/(\.save-\d{6})\.[\w-]+\.\d+-\d+\.\d+\.unfinished/g, '$1.unfinished');
}

async function failure(code: string, operation: string): Promise<{ code: string; message: string; root: string }> {
  const at = (await operationsOfThirdSave()).indexOf(operation);
  return withTemporaryFolder(async (root) => {
    for (const generation of [1, 2]) await writeSave(root, contentOf(generation));
    const { fileSystem } = failingFileSystem({ at, code, forGood: false, half: false });
    const error: unknown = await writeSave(root, contentOf(3), { fileSystem }).catch((thrown: unknown) => thrown);
    if (!isPeftError(error)) throw new Error('no PeftError came', { cause: error });
    return { code: error.code, message: withoutWriter(error.message), root };
  });
}

test.each(['ENOSPC', 'EDQUOT'])('a full disk (%s)', async (system) => {
  const { code, message, root } = await failure(system, 'write');
  expect(code).toBe('checkpoint/disk-full');
  expect(message).toBe(
    `writing ${join(root, '.save-000003.unfinished', 'weights.bin')} failed because the disk is full or its quota is used up (${system}); nothing was saved and what was there before is untouched; free some space and save again.`,
  );
});

test.each(['EACCES', 'EPERM', 'EROFS'])('a folder that may not be written (%s)', async (system) => {
  const { code, message, root } = await failure(system, 'mkdir');
  expect(code).toBe('checkpoint/not-writable');
  expect(message).toBe(
    `making the folder ${root} failed because this user may not write there (${system}); nothing was saved and what was there before is untouched; change the permissions or save elsewhere.`,
  );
});

test('any other failure', async () => {
  const { code, message, root } = await failure('EIO', 'rename');
  expect(code).toBe('checkpoint/write-failed');
  expect(message).toBe(
    `renaming ${join(root, '.save-000003.unfinished')} to ${join(root, 'save-000003')} failed (EIO); nothing was saved and what was there before is untouched; save again, or elsewhere if it fails again.`,
  );
});

test('a folder that cannot be listed', async () => {
  const { code, message, root } = await failure('EACCES', 'readdir');
  expect(code).toBe('checkpoint/unreadable');
  expect(message).toBe(
    `${root}: the folder of saves cannot be listed (EACCES); check that it is a folder this user may read.`,
  );
});

test('a failure after the rename says that the save is there', () =>
  withTemporaryFolder(async (root) => {
    await writeSave(root, contentOf(1));
    const at = (await operationsOfThirdSave()).indexOf('rename') + 2;
    const { fileSystem } = failingFileSystem({ at, code: 'EIO', forGood: false, half: false });
    await expect(writeSave(root, contentOf(2), { fileSystem })).rejects.toMatchObject({
      code: 'checkpoint/write-failed',
      message: `flushing ${root} failed (EIO); the save is complete, but a power failure could still undo it; save again, or elsewhere if it fails again.`,
    });
    expect(await listSaves(root)).toEqual(['save-000002', 'save-000001']);
  }));

test('a system that cannot flush folders, and short writes, are no failures; a write of nothing is', () =>
  withTemporaryFolder(async (root) => {
    const { fileSystem } = failingFileSystem(noFailure);
    const noFlush = {
      ...fileSystem,
      open: (path: string, flags: 'r' | 'wx') =>
        flags === 'r' ? Promise.reject(Object.assign(new Error(), { code: 'EISDIR' })) : fileSystem.open(path, flags),
    };
    await writeSave(root, contentOf(1), { fileSystem: noFlush });
    const writesOf = (most: number) => ({
      ...fileSystem,
      open: async (path: string, flags: 'r' | 'wx') => {
        const file = await fileSystem.open(path, flags);
        return {
          ...file,
          write: async (data: Uint8Array, offset: number, length: number) =>
            most === 0 ? { bytesWritten: 0 } : file.write(data, offset, Math.min(most, length)),
        };
      },
    });
    expect(await textsIn(await writeSave(root, contentOf(2), { fileSystem: writesOf(3) }))).toEqual(textsOf(2));
    await expect(writeSave(root, contentOf(3), { fileSystem: writesOf(0) })).rejects.toMatchObject({
      code: 'checkpoint/write-failed',
      message: expect.stringContaining('failed (the system wrote no byte); nothing was saved'),
    });
  }));

test("an error of the content's own passes through, and nothing is left", () =>
  withTemporaryFolder(async (root) => {
    const own = new Error('the tensor is gone');
    async function* broken() {
      yield bytes('half');
      throw own;
    }
    await expect(writeSave(root, { 'a.bin': broken() })).rejects.toBe(own);
    expect(await readdir(root)).toEqual([]);
  }));

test('refuses names with a path, and to keep nothing', async () => {
  await expect(
    writeSave('x', { 'a.json': bytes(''), '../a': bytes(''), 'b/c': bytes(''), '..': bytes('') }),
  ).rejects.toMatchObject({
    code: 'checkpoint/file-name',
    message: 'files of a folder need plain names, without a path; rename these:\n  "../a"\n  "b/c"\n  ".."',
  });
  await expect(writeSave('x', {}, { keep: 0 })).rejects.toMatchObject({
    code: 'checkpoint/options',
    message: 'keep is 0, and at least 1 save must stay; pass a whole number from 1.',
  });
});
