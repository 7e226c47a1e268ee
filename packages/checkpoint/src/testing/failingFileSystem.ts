import * as node from 'node:fs/promises';
import type { FileSystem, WritableFile } from '../atomic/fileSystem.ts';

export interface Failure {
  /** Which operation fails, counted from 0. */
  readonly at: number;
  readonly code: string;
  /** True: every later operation fails too, as when the process dies there. */
  readonly forGood: boolean;
  /** True: a failing write first writes half of its bytes, as a full disk does. */
  readonly half: boolean;
}

/** A failure that never comes. */
export const noFailure: Failure = { at: -1, code: 'NONE', forGood: false, half: false };

/** Node's file system, except that one operation fails. `operations` lists what was called. */
export function failingFileSystem(failure: Failure): {
  readonly fileSystem: FileSystem;
  readonly operations: string[];
} {
  const operations: string[] = [];
  async function guarded<T>(
    name: string,
    operation: () => Promise<T>,
    beforeFailing?: () => Promise<unknown>,
  ): Promise<T> {
    const index = operations.push(name) - 1;
    if (index === failure.at || (failure.forGood && index > failure.at)) {
      if (index === failure.at) await beforeFailing?.();
      throw Object.assign(new Error(`${failure.code}: simulated`), { code: failure.code });
    }
    return operation();
  }
  const fileSystem: FileSystem = {
    link: (from, to) => guarded('link', () => node.link(from, to)),
    mkdir: (path, options) => guarded('mkdir', () => node.mkdir(path, options)),
    readdir: (path) => guarded('readdir', () => node.readdir(path)),
    rename: (from, to) => guarded('rename', () => node.rename(from, to)),
    rm: (path, options) => guarded('rm', () => node.rm(path, options)),
    stat: (path) => guarded('stat', () => node.stat(path)),
    open: async (path, flags) => {
      const handle = await guarded('open', () => node.open(path, flags));
      const file: WritableFile = {
        write: (bytes, offset, length) =>
          guarded(
            'write',
            () => handle.write(bytes, offset, length),
            async () => failure.half && handle.write(bytes, offset, Math.floor(length / 2)),
          ),
        // Counted, not done: what a flush is good for is shown by forgetfulFileSystem, and a disk takes its time.
        sync: () => guarded('sync', async () => {}),
        close: () =>
          guarded(
            'close',
            () => handle.close(),
            () => handle.close(),
          ).catch(async (error) => {
            await handle.close().catch(() => {});
            throw error;
          }),
      };
      return file;
    },
  };
  return { fileSystem, operations };
}
