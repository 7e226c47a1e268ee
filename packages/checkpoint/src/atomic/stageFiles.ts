import { PeftError } from '@peft/core';
import { isPlainFileName } from '../isPlainFileName.ts';
import { problemList, quoted } from '../problemList.ts';
import type { FileSystem, WritableFile } from './fileSystem.ts';
import { attempt, systemCode } from './writeError.ts';

/** What a file is to hold: bytes, or pieces of them, made while the file is written. */
export type FileContent = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

// Node refuses writes of 2 GiB and more.
const longestWrite = 1 << 30;

/** Writes each file under its new path and waits until the disk holds it. */
export async function stageFiles(
  paths: ReadonlyMap<string, string>,
  files: Readonly<Record<string, FileContent>>,
  fileSystem: FileSystem,
): Promise<void> {
  for (const [file, path] of paths) {
    const content = files[file];
    if (content !== undefined) await writeFile(path, content, fileSystem);
  }
}

/** Refuses names that would leave the folder; throws `checkpoint/file-name` with all of them. */
export function requirePlainNames(files: Readonly<Record<string, FileContent>>): void {
  const wrong = Object.keys(files).filter((file) => !isPlainFileName(file));
  if (wrong.length === 0) return;
  throw new PeftError(
    'checkpoint/file-name',
    `files of a folder need plain names, without a path; rename these:${problemList(wrong.map(quoted))}`,
  );
}

/** Waits until the disk holds a folder's list of names. */
export async function syncFolder(path: string, fileSystem: FileSystem, outcome?: string): Promise<void> {
  await attempt(
    `flushing ${path}`,
    async () => {
      const handle = await fileSystem.open(path, 'r').catch(ignoreUnsupported);
      if (handle === undefined) return;
      try {
        await handle.sync().catch(ignoreUnsupported);
      } finally {
        await handle.close();
      }
    },
    outcome,
  );
}

// Windows and some network file systems cannot flush a folder.
function ignoreUnsupported(error: unknown): undefined {
  if (!['EISDIR', 'EPERM', 'EINVAL', 'ENOTSUP'].includes(systemCode(error) ?? '')) throw error;
}

async function writeFile(path: string, content: FileContent, fileSystem: FileSystem): Promise<void> {
  const handle = await attempt(`creating ${path}`, () => fileSystem.open(path, 'wx'));
  try {
    for await (const bytes of content instanceof Uint8Array ? [content] : content) {
      await attempt(`writing ${path}`, () => writeFully(handle, bytes));
    }
    await attempt(`flushing ${path}`, () => handle.sync());
  } catch (error) {
    await handle.close().catch(() => {});
    throw error;
  }
  await attempt(`closing ${path}`, () => handle.close());
}

async function writeFully(handle: WritableFile, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const { bytesWritten } = await handle.write(bytes, done, Math.min(bytes.byteLength - done, longestWrite));
    if (bytesWritten === 0) throw new Error('the system wrote no byte');
    done += bytesWritten;
  }
}
