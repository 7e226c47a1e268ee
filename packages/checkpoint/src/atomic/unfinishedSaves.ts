import { nodeModule } from '../nodeModule.ts';
import type { FileSystem } from './fileSystem.ts';
import { systemCode } from './writeError.ts';

const unfinished = /^\.save-\d{6,}(?:\.(?<host>[\w-]+)\.(?<writer>\d+)(?:-(?<thread>\d+))?\.\d+)?\.unfinished$/;
const removed = /^\.save-\d{6,}\.removed$/;
/** After this long a save whose writer cannot be asked for is taken for abandoned, in milliseconds. */
const longestSave = 60 * 60 * 1000;
/** The paths that this thread is writing at. */
const underWay = new Set<string>();
let begun = 0;

/** Runs `write` with a path of its own under `root`, whose name says who writes there; a failure removes it. */
export async function withUnfinished<T>(
  { root, save, fileSystem }: { readonly root: string; readonly save: string; readonly fileSystem: FileSystem },
  write: (path: string) => Promise<T>,
): Promise<T> {
  const { join, resolve } = nodeModule('node:path');
  const path = join(root, `.${save}.${hostName()}.${process.pid}-${threadNumber()}.${++begun}.unfinished`);
  underWay.add(resolve(path));
  try {
    return await write(path);
  } catch (error) {
    await fileSystem.rm(path, { recursive: true, force: true }).catch(() => {});
    throw error;
  } finally {
    underWay.delete(resolve(path));
  }
}

/**
 * Removes what dead writers left among these names in `root`. What another living writer may be writing stays: for an
 * hour what a process of this host that answers, another thread of this process, or another host has not touched.
 */
export async function removeAbandoned(root: string, names: readonly string[], fileSystem: FileSystem): Promise<void> {
  const { join } = nodeModule('node:path');
  for (const name of names) {
    const path = join(root, name);
    const isLeft = removed.test(name) || (unfinished.test(name) && (await isAbandoned(path, name, fileSystem)));
    if (isLeft) await fileSystem.rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

async function isAbandoned(path: string, name: string, fileSystem: FileSystem): Promise<boolean> {
  const { host, writer, thread = '0' } = unfinished.exec(name)?.groups ?? {};
  // Names without a writer are from before they had one.
  if (host === undefined) return true;
  if (host === hostName()) {
    const isOwn = Number(writer) === process.pid && Number(thread) === threadNumber();
    if (isOwn) return !underWay.has(nodeModule('node:path').resolve(path));
    if (!isAlive(Number(writer))) return true;
  }
  const { mtimeMs } = await fileSystem.stat(path).catch(() => ({ mtimeMs: Date.now() }));
  return Date.now() - mtimeMs > longestSave;
}

function isAlive(writer: number): boolean {
  try {
    process.kill(writer, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== 'ESRCH';
  }
}

/** Worker threads share the number of their process; each has one of its own, the main thread 0. */
function threadNumber(): number {
  return nodeModule('node:worker_threads').threadId;
}

function hostName(): string {
  return nodeModule('node:os').hostname().replace(/\W+/g, '-').slice(0, 60) || 'host';
}
