import { PeftError } from '@peft/core';
import { nodeModule } from '../nodeModule.ts';
import { type FileSystem, nodeFileSystem } from './fileSystem.ts';
import { makeFolder } from './makeFolder.ts';
import { type FileContent, requirePlainNames, stageFiles, syncFolder } from './stageFiles.ts';
import { attempt, systemCode } from './writeError.ts';

export interface WriteSaveOptions {
  /** How many saves stay, the new one included; 2 when left out. */
  readonly keep?: number;
  readonly fileSystem?: FileSystem;
}

const saveName = /^save-(\d{6,})$/;
const leftOver = /^\.save-\d{6,}\.(?:unfinished|removed)$/;

/**
 * Writes a numbered folder of files under `root` and resolves to its path. It becomes visible complete, by one
 * rename, after the disk holds every byte; older saves go only then, beyond the last `keep`. One writer per root.
 * Throws `checkpoint/disk-full`, `checkpoint/not-writable` or `checkpoint/write-failed`, and earlier saves stay.
 */
export async function writeSave(
  root: string,
  files: Readonly<Record<string, FileContent>>,
  { keep = 2, fileSystem = nodeFileSystem() }: WriteSaveOptions = {},
): Promise<string> {
  if (!Number.isSafeInteger(keep) || keep < 1) {
    throw new PeftError(
      'checkpoint/options',
      `keep is ${keep}, and at least 1 save must stay; pass a whole number from 1.`,
    );
  }
  requirePlainNames(files);
  const { join } = nodeModule('node:path');
  await makeFolder(root, fileSystem);
  await removeLeftOvers(root, fileSystem);
  const earlier = await listSaves(root, fileSystem);
  const name = nextName(earlier);
  const unfinished = join(root, `.${name}.unfinished`);
  const visible = join(root, name);
  try {
    await attempt(`making the folder ${unfinished}`, () => fileSystem.mkdir(unfinished, { recursive: false }));
    const paths = new Map(Object.keys(files).map((file) => [file, join(unfinished, file)]));
    await stageFiles(paths, files, fileSystem);
    await syncFolder(unfinished, fileSystem);
    await attempt(`renaming ${unfinished} to ${visible}`, () => fileSystem.rename(unfinished, visible));
  } catch (error) {
    await fileSystem.rm(unfinished, { recursive: true, force: true }).catch(() => {});
    throw error;
  }
  await syncFolder(root, fileSystem, 'the save is complete, but a power failure could still undo it');
  for (const old of earlier.slice(keep - 1)) await removeSave(root, old, fileSystem);
  return visible;
}

/** Names of the complete saves under `root`, newest first; none when there is no such folder. */
export async function listSaves(root: string, fileSystem: FileSystem = nodeFileSystem()): Promise<readonly string[]> {
  const names = await namesIn(root, fileSystem);
  return names.filter((name) => saveName.test(name)).sort((left, right) => numberOf(right) - numberOf(left));
}

function nextName(saves: readonly string[]): string {
  const [newest] = saves;
  return `save-${String(newest === undefined ? 1 : numberOf(newest) + 1).padStart(6, '0')}`;
}

function numberOf(name: string): number {
  return Number(saveName.exec(name)?.[1]);
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

async function removeLeftOvers(root: string, fileSystem: FileSystem): Promise<void> {
  const { join } = nodeModule('node:path');
  for (const name of await namesIn(root, fileSystem)) {
    if (leftOver.test(name)) await fileSystem.rm(join(root, name), { recursive: true, force: true }).catch(() => {});
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
