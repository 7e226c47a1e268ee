import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPeftError } from '@peft/core';
import { expect, test } from 'vitest';
import { type Failure, failingFileSystem } from '../testing/failingFileSystem.ts';
import { textsIn, withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { writeFolder } from './writeFolder.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const never: Failure = { at: -1, code: 'NEVER', forGood: false, half: false };
const before = { 'adapter.bin': bytes('old weights'), 'config.json': bytes('old config') };
const after = { 'extra.txt': bytes('extra'), 'adapter.bin': bytes('new weights'), 'config.json': bytes('new config') };
const beforeTexts = { 'adapter.bin': 'old weights', 'config.json': 'old config', 'README.md': 'mine' };
const afterTexts = { ...beforeTexts, 'adapter.bin': 'new weights', 'config.json': 'new config', 'extra.txt': 'extra' };

async function existing(folder: string): Promise<string> {
  const path = join(folder, 'tickets');
  await writeFolder(path, before);
  await writeFile(join(path, 'README.md'), 'mine');
  return path;
}

async function operationsOf(
  run: (folder: string, fileSystem: ReturnType<typeof failingFileSystem>['fileSystem']) => Promise<void>,
) {
  return withTemporaryFolder(async (folder) => {
    const { fileSystem, operations } = failingFileSystem(never);
    await run(folder, fileSystem);
    return operations;
  });
}

test('an absent folder appears complete, folders above it included', () =>
  withTemporaryFolder(async (folder) => {
    const path = join(folder, 'adapters', 'tickets');
    await writeFolder(path, before);
    expect(await textsIn(path)).toEqual({ 'adapter.bin': 'old weights', 'config.json': 'old config' });
    expect(await readdir(join(folder, 'adapters'))).toEqual(['tickets']);
  }));

test('in an existing folder the files are replaced and the others stay', () =>
  withTemporaryFolder(async (folder) => {
    const path = await existing(folder);
    await writeFile(join(path, '.adapter.bin.unfinished'), 'left over from a crash');
    await writeFile(join(path, '.config.json.replaced'), 'left over from a crash');
    await writeFolder(path, after);
    expect(await textsIn(path)).toEqual(afterTexts);
  }));

test.each([
  ['fails once', false],
  ['and all after it fail', true],
])('whichever operation %s, a new folder is complete or absent', async (_, forGood) => {
  const operations = await operationsOf((folder, fileSystem) =>
    writeFolder(join(folder, 'tickets'), before, fileSystem),
  );
  const visibleFrom = operations.indexOf('rename');
  for (let at = 0; at < operations.length; at++) {
    await withTemporaryFolder(async (folder) => {
      const path = join(folder, 'tickets');
      const { fileSystem } = failingFileSystem({ at, code: 'ENOSPC', forGood, half: true });
      await expect(writeFolder(path, before, fileSystem)).rejects.toSatisfy(isPeftError);
      const visible = (await readdir(folder)).filter((name) => !name.startsWith('.'));
      expect(visible).toEqual(at > visibleFrom ? ['tickets'] : []);
      if (!forGood && at <= visibleFrom) expect(await readdir(folder)).toEqual([]);
      await writeFolder(path, before);
      expect(await textsIn(path)).toEqual({ 'adapter.bin': 'old weights', 'config.json': 'old config' });
      expect(await readdir(folder)).toEqual(['tickets']);
    });
  }
});

test('whichever operation fails, an existing folder holds all old files or all new ones', async () => {
  const operations = await operationsOf(async (folder, fileSystem) => {
    await writeFolder(await existing(folder), after, fileSystem);
  });
  expect(operations.filter((name) => name === 'rename')).toHaveLength(3);
  const complete = operations.lastIndexOf('rename');
  for (let at = 0; at < operations.length; at++) {
    for (const half of operations[at] === 'write' ? [false, true] : [false]) {
      await withTemporaryFolder(async (folder) => {
        const path = await existing(folder);
        const { fileSystem } = failingFileSystem({ at, code: 'ENOSPC', forGood: false, half });
        const error: unknown = await writeFolder(path, after, fileSystem).catch((thrown: unknown) => thrown);
        const fellBack = operations[at] === 'link';
        if (at <= complete && !fellBack) {
          expect(error).toMatchObject({ code: 'checkpoint/disk-full' });
          expect(await textsIn(path)).toEqual(beforeTexts);
        } else {
          expect(await textsIn(path)).toMatchObject(afterTexts);
        }
        await writeFolder(path, after);
        expect(await textsIn(path)).toEqual(afterTexts);
      });
    }
  }
});

test('when the process dies at any operation, no file is half written and none is absent', async () => {
  const operations = await operationsOf(async (folder, fileSystem) => {
    await writeFolder(await existing(folder), after, fileSystem);
  });
  const firstRename = operations.indexOf('rename');
  for (let at = 0; at < operations.length; at++) {
    await withTemporaryFolder(async (folder) => {
      const path = await existing(folder);
      const { fileSystem } = failingFileSystem({ at, code: 'EIO', forGood: true, half: true });
      await writeFolder(path, after, fileSystem).catch(() => {});
      const texts = await textsIn(path);
      if (at <= firstRename) expect(texts).toMatchObject(beforeTexts);
      expect(['old weights', 'new weights']).toContain(texts['adapter.bin']);
      expect(['old config', 'new config']).toContain(texts['config.json']);
      await writeFolder(path, after);
      expect(await textsIn(path)).toEqual(afterTexts);
    });
  }
});

test('a path that is a file is refused with what to do', () =>
  withTemporaryFolder(async (folder) => {
    const path = join(folder, 'tickets');
    await writeFile(path, 'a file');
    await expect(writeFolder(path, before)).rejects.toMatchObject({
      code: 'checkpoint/write-failed',
      message: `listing ${path} failed (ENOTDIR); nothing was saved and what was there before is untouched; save again, or elsewhere if it fails again.`,
    });
    await expect(writeFolder(path, { 'a/b': bytes('') })).rejects.toMatchObject({ code: 'checkpoint/file-name' });
  }));
