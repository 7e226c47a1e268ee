import { nodeModule } from '../nodeModule.ts';
import { type FileSystem, nodeFileSystem } from './fileSystem.ts';
import { makeFolder } from './makeFolder.ts';
import { type FileContent, requirePlainNames, stageFiles, syncFolder } from './stageFiles.ts';
import { attempt, systemCode } from './writeError.ts';

/**
 * Writes files into a folder. An absent folder appears complete, by one rename. In an existing one the files are
 * written beside the old ones, and only when the disk holds all of them do they take their places, in the order
 * given; other files stay. A failure puts every old file back. Throws the same codes as `writeSave`.
 */
export async function writeFolder(
  path: string,
  files: Readonly<Record<string, FileContent>>,
  fileSystem: FileSystem = nodeFileSystem(),
): Promise<void> {
  requirePlainNames(files);
  const present = await namesIn(path, fileSystem);
  if (present === undefined) await createFolder(path, files, fileSystem);
  else await replaceFiles(path, { files, present }, fileSystem);
}

async function createFolder(
  path: string,
  files: Readonly<Record<string, FileContent>>,
  fileSystem: FileSystem,
): Promise<void> {
  const { basename, dirname, join, resolve } = nodeModule('node:path');
  const parent = dirname(resolve(path));
  const unfinished = join(parent, `.${basename(resolve(path))}.unfinished`);
  await makeFolder(parent, fileSystem);
  try {
    await attempt(`clearing ${unfinished}`, () => fileSystem.rm(unfinished, { recursive: true, force: true }));
    await attempt(`making the folder ${unfinished}`, () => fileSystem.mkdir(unfinished, { recursive: false }));
    await stageFiles(new Map(Object.keys(files).map((file) => [file, join(unfinished, file)])), files, fileSystem);
    await syncFolder(unfinished, fileSystem);
    await attempt(`renaming ${unfinished} to ${path}`, () => fileSystem.rename(unfinished, path));
  } catch (error) {
    await fileSystem.rm(unfinished, { recursive: true, force: true }).catch(() => {});
    throw error;
  }
  await syncFolder(parent, fileSystem, 'the folder is complete, but a power failure could still undo it');
}

async function replaceFiles(
  path: string,
  { files, present }: { readonly files: Readonly<Record<string, FileContent>>; readonly present: readonly string[] },
  fileSystem: FileSystem,
): Promise<void> {
  const { join } = nodeModule('node:path');
  const names = Object.keys(files);
  const staged = new Map(names.map((file) => [file, join(path, `.${file}.unfinished`)]));
  const remove = (target: string) => fileSystem.rm(target, { recursive: false, force: true });
  const undo: (() => Promise<void>)[] = [];
  try {
    for (const target of staged.values()) await attempt(`clearing ${target}`, () => remove(target));
    await stageFiles(staged, files, fileSystem);
    await syncFolder(path, fileSystem);
    for (const [file, from] of staged) {
      const to = join(path, file);
      const aside = join(path, `.${file}.replaced`);
      if (present.includes(file)) {
        await attempt(`clearing ${aside}`, () => remove(aside));
        await attempt(`keeping ${to} as ${aside}`, () => keepAs(aside, to, fileSystem));
        undo.unshift(async () => {
          await fileSystem.rename(aside, to);
          await remove(aside);
        });
      }
      await attempt(`renaming ${from} to ${to}`, () => fileSystem.rename(from, to));
      if (!present.includes(file)) undo.unshift(() => remove(to));
    }
  } catch (error) {
    for (const step of undo) await step().catch(() => {});
    for (const target of staged.values()) await remove(target).catch(() => {});
    throw error;
  }
  await syncFolder(path, fileSystem, 'the files are complete, but a power failure could still undo them');
  for (const file of names) await remove(join(path, `.${file}.replaced`)).catch(() => {});
}

// A second name keeps the first in place until it is replaced; file systems without links get a rename.
async function keepAs(aside: string, path: string, fileSystem: FileSystem): Promise<void> {
  await fileSystem.link(path, aside).catch(() => fileSystem.rename(path, aside));
}

async function namesIn(path: string, fileSystem: FileSystem): Promise<readonly string[] | undefined> {
  try {
    return await attempt(`listing ${path}`, () => fileSystem.readdir(path));
  } catch (error) {
    if (error instanceof Error && systemCode(error.cause) === 'ENOENT') return undefined;
    throw error;
  }
}
