import { nodeModule } from '../nodeModule.ts';

/** The part of node:fs/promises that saving needs; tests pass one that fails. */
export interface FileSystem {
  link(from: string, to: string): Promise<void>;
  mkdir(path: string, options: { readonly recursive: boolean }): Promise<string | undefined>;
  open(path: string, flags: 'r' | 'wx'): Promise<WritableFile>;
  readdir(path: string): Promise<string[]>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { readonly recursive: boolean; readonly force: boolean }): Promise<void>;
  stat(path: string): Promise<{ readonly mtimeMs: number }>;
}

export interface WritableFile {
  write(bytes: Uint8Array, offset: number, length: number): Promise<{ readonly bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Node's own file system; throws `checkpoint/no-file-system` in a browser. */
export function nodeFileSystem(): FileSystem {
  return nodeModule('node:fs/promises');
}
