import { mkdir as makeOnDisk, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { FileSystem, WritableFile } from '../atomic/fileSystem.ts';

type File = { readonly kind: 'file'; bytes: Uint8Array; flushed: Uint8Array | undefined };
type Folder = { readonly kind: 'folder'; names: Map<string, Node>; flushed: Map<string, Node> };
type Node = File | Folder;

/**
 * What a power failure leaves: only what was flushed; every name but of files not flushed only a half; or all that was
 * written, as when the process alone dies.
 */
export type Remains = 'what was flushed' | 'names and halves' | 'everything';
export const everyRemains: readonly Remains[] = ['what was flushed', 'names and halves', 'everything'];

/** A file system in memory whose power fails at operation `at`, counted from 0; nothing happens from then on. */
export function forgetfulFileSystem() {
  const top = folder();
  let at = Number.POSITIVE_INFINITY;
  let count = 0;

  const find = (path: string): Node | undefined => {
    const full = resolve(path);
    if (full === '/') return top;
    const above = find(dirname(full));
    return above?.kind === 'folder' ? above.names.get(basename(full)) : undefined;
  };
  const folderAt = (path: string): Folder => {
    const found = find(path);
    if (found?.kind !== 'folder') throw failure('ENOENT');
    return found;
  };
  const parentOf = (path: string) => folderAt(dirname(resolve(path))).names;
  const nodeAt = (path: string): Node => {
    const found = find(path);
    if (!found) throw failure('ENOENT');
    return found;
  };
  const operation = async <T>(run: () => T): Promise<T> => {
    if (count++ >= at) throw failure('EPOWER');
    return run();
  };

  const fileSystem: FileSystem = {
    link: (from, to) => operation(() => void parentOf(to).set(basename(to), nodeAt(from))),
    mkdir: (path, { recursive }) =>
      operation(() => {
        if (!recursive && find(path)) throw failure('EEXIST');
        const make = (wanted: string): string | undefined => {
          if (find(wanted)) return undefined;
          const topmost = make(dirname(wanted));
          parentOf(wanted).set(basename(wanted), folder());
          return topmost ?? wanted;
        };
        return make(resolve(path));
      }),
    readdir: (path) => operation(() => [...folderAt(path).names.keys()]),
    rename: (from, to) =>
      operation(() => {
        const target = find(to);
        if (target?.kind === 'folder' && target.names.size > 0) throw failure('ENOTEMPTY');
        parentOf(to).set(basename(to), nodeAt(from));
        parentOf(from).delete(basename(from));
      }),
    rm: (path, { force }) =>
      operation(() => {
        if (!find(path) && !force) throw failure('ENOENT');
        if (find(path)) parentOf(path).delete(basename(path));
      }),
    stat: (path) => operation(() => nodeAt(path) && { mtimeMs: Date.now() }),
    open: (path, flags) =>
      operation(() => {
        if (flags === 'wx') {
          if (find(path)) throw failure('EEXIST');
          parentOf(path).set(basename(path), { kind: 'file', bytes: new Uint8Array(), flushed: undefined });
        }
        const node = nodeAt(path);
        const file: WritableFile = {
          write: (bytes, offset, length) =>
            operation(() => {
              if (node.kind !== 'file') throw failure('EISDIR');
              node.bytes = Uint8Array.of(...node.bytes, ...bytes.subarray(offset, offset + length));
              return { bytesWritten: length };
            }),
          sync: () =>
            operation(() => {
              if (node.kind === 'file') node.flushed = node.bytes;
              else node.flushed = new Map(node.names);
            }),
          close: () => operation(() => undefined),
        };
        return file;
      }),
  };
  return {
    fileSystem,
    /** Operations so far. */
    get operations() {
      return count;
    },
    /** The power fails this many operations from now. */
    failAfter(operations: number) {
      at = count + operations;
    },
    /** Puts what remains of a folder on the real disk. */
    async recover(path: string, onDisk: string, remains: Remains): Promise<void> {
      // The folder itself was there before anything that is asked about.
      await writeOut(folderAt(path), onDisk, remains);
    },
  };
}

function folder(): Folder {
  return { kind: 'folder', names: new Map(), flushed: new Map() };
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

async function writeOut(from: Folder, onDisk: string, remains: Remains): Promise<void> {
  await makeOnDisk(onDisk, { recursive: true });
  for (const [name, node] of remains === 'what was flushed' ? from.flushed : from.names) {
    const to = join(onDisk, name);
    if (node.kind === 'folder') await writeOut(node, to, remains);
    else await writeFile(to, remainsOf(node, remains));
  }
}

function remainsOf({ bytes, flushed }: File, remains: Remains): Uint8Array {
  if (remains === 'everything') return bytes;
  if (remains === 'what was flushed') return flushed ?? new Uint8Array();
  return flushed ?? bytes.subarray(0, Math.floor(bytes.length / 2));
}
