import { PeftError } from '@peft/core';
import type { ByteSource } from './byteSource.ts';
import { nodeModule } from './nodeModule.ts';

// Node refuses reads of 2 GiB and more.
const longestRead = 1 << 30;

/**
 * A file on disk. No descriptor stays open: each read opens the file anew and refuses one that was replaced since
 * (`checkpoint/changed`). Resolves to `undefined` when there is no such file.
 */
export async function fileSource(path: string): Promise<ByteSource | undefined> {
  const { open, stat } = nodeModule('node:fs/promises');
  const first = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw unreadable(path, error);
  });
  if (first === undefined) return undefined;
  if (!first.isFile()) throw unreadable(path, Object.assign(new Error('not a file'), { code: 'not a file' }));
  return {
    name: path,
    size: first.size,
    async read(offset, length) {
      const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
        throw unreadable(path, error);
      });
      try {
        const now = await handle.stat();
        if (now.size !== first.size || now.mtimeMs !== first.mtimeMs || now.ino !== first.ino) {
          throw new PeftError(
            'checkpoint/changed',
            `${path}: the file was replaced or written to after it was opened; open it again.`,
          );
        }
        return await readFully(handle, offset, length);
      } catch (error) {
        throw error instanceof PeftError ? error : unreadable(path, error as NodeJS.ErrnoException);
      } finally {
        await handle.close();
      }
    },
  };
}

async function readFully(
  handle: import('node:fs/promises').FileHandle,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(length - done, longestRead), offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done === length ? bytes : bytes.subarray(0, done);
}

function unreadable(path: string, cause: NodeJS.ErrnoException): PeftError {
  return new PeftError(
    'checkpoint/unreadable',
    `${path}: the file cannot be read (${cause.code ?? cause.message}); check that it is a file this user may read.`,
    { cause },
  );
}
