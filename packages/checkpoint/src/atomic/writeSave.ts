import { PeftError } from '@peft/core';
import { nodeModule } from '../nodeModule.ts';
import { type FileSystem, nodeFileSystem } from './fileSystem.ts';
import { makeFolder } from './makeFolder.ts';
import { type FileContent, requirePlainNames, stageFiles, syncFolder } from './stageFiles.ts';
import { removeAbandoned, withUnfinished } from './unfinishedSaves.ts';
import { attempt, systemCode } from './writeError.ts';

export interface WriteSaveOptions {
  /** How many saves stay, the new one included; 2 when left out. */
  readonly keep?: number;
  /** Names of saves that stay besides, and do not count. */
  readonly spare?: ReadonlySet<string>;
  readonly fileSystem?: FileSystem;
}

const saveName = /^save-(\d{6,})$/;

/**
 * Writes a numbered folder of files under `root` and resolves to its path. It becomes visible complete, by one
 * rename, after the disk holds every byte; older saves go only then, beyond the last `keep`. One writer per root: a
 * second is refused (`checkpoint/two-writers`) where both write the same number.
 * Throws `checkpoint/disk-full`, `checkpoint/not-writable` or `checkpoint/write-failed`, and earlier saves stay.
 */
export async function writeSave(
  root: string,
  files: Readonly<Record<string, FileContent>>,
  { keep = 2, spare = new Set(), fileSystem = nodeFileSystem() }: WriteSaveOptions = {},
): Promise<string> {
  if (!isKeep(keep)) throw new PeftError('checkpoint/options', `${keepProblem(keep)}.`);
  requirePlainNames(files);
  const { join } = nodeModule('node:path');
  await makeFolder(root, fileSystem);
  const names = await namesIn(root, fileSystem);
  await removeAbandoned(root, names, fileSystem);
  const earlier = savesAmong(names);
  const name = nextName(earlier);
  const visible = join(root, name);
  await withUnfinished({ root, save: name, fileSystem }, async (unfinished) => {
    await attempt(`making the folder ${unfinished}`, () => fileSystem.mkdir(unfinished, { recursive: false }));
    const paths = new Map(Object.keys(files).map((file) => [file, join(unfinished, file)]));
    await stageFiles(paths, files, fileSystem);
    await syncFolder(unfinished, fileSystem);
    await attempt(`renaming ${unfinished} to ${visible}`, () => makeVisible(unfinished, visible, fileSystem));
  });
  await syncFolder(root, fileSystem, 'the save is complete, but a power failure could still undo it');
  const old = earlier.filter((save) => !spare.has(save)).slice(keep - 1);
  for (const save of old) await removeSave(root, save, fileSystem);
  return visible;
}

/** Names of the complete saves under `root`, newest first; none when there is no such folder. */
export async function listSaves(root: string, fileSystem: FileSystem = nodeFileSystem()): Promise<readonly string[]> {
  return savesAmong(await namesIn(root, fileSystem));
}

/** True for a number of saves that can stay. */
export function isKeep(keep: unknown): keep is number {
  return Number.isSafeInteger(keep) && (keep as number) >= 1;
}

/** What is wrong with it otherwise, without a full stop. */
export function keepProblem(keep: unknown): string {
  return `keep is ${typeof keep === 'number' ? keep : JSON.stringify(keep)}, and at least 1 save must stay; pass a whole number from 1`;
}

/** The number in a save's name. */
export function numberOf(name: string): number {
  return Number(saveName.exec(name)?.[1]);
}

function savesAmong(names: readonly string[]): readonly string[] {
  return names.filter((name) => saveName.test(name)).sort((left, right) => numberOf(right) - numberOf(left));
}

function nextName(saves: readonly string[]): string {
  const [newest] = saves;
  return `save-${String(newest === undefined ? 1 : numberOf(newest) + 1).padStart(6, '0')}`;
}

async function makeVisible(unfinished: string, visible: string, fileSystem: FileSystem): Promise<void> {
  try {
    await fileSystem.rename(unfinished, visible);
  } catch (cause) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(systemCode(cause) ?? '')) throw cause;
    throw new PeftError(
      'checkpoint/two-writers',
      `${visible} was made while it was being written: another process saves there too; nothing of this save was kept and that of the other is whole; give each run a directory of its own.`,
      { cause },
    );
  }
}

async function namesIn(root: string, fileSystem: FileSystem): Promise<readonly string[]> {
  try {
    return await fileSystem.readdir(root);
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return [];
    throw new PeftError(
      'checkpoint/unreadable',
      `${root}: the folder of saves cannot be listed (${systemCode(cause)}); check that it is a folder this user may read.`,
      { cause },
    );
  }
}

// The rename comes first so that a half-removed save is never listed. What cannot be removed goes at the next save.
async function removeSave(root: string, name: string, fileSystem: FileSystem): Promise<void> {
  const { join } = nodeModule('node:path');
  const removed = join(root, `.${name}.removed`);
  try {
    await fileSystem.rename(join(root, name), removed);
    await fileSystem.rm(removed, { recursive: true, force: true });
  } catch {}
}
