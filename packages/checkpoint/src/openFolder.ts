import { PeftError } from '@peft/core';
import { type ByteSource, byteSource, readRange } from './byteSource.ts';
import { fileSource } from './fileSource.ts';
import { nodeModule } from './nodeModule.ts';
import { parseJson } from './parseJson.ts';

/** A folder on disk by its path, or its files by name: Blobs and Files in a browser, bytes, or sources of your own. */
export type FolderSource = string | Readonly<Record<string, ByteSource | Blob | Uint8Array>>;

export interface Folder {
  /** What messages call it: the path, or `the given files`. */
  readonly name: string;
  /** Resolves to `undefined` when the folder has no such file. */
  open(file: string): Promise<ByteSource | undefined>;
}

/** One way to look into a folder, wherever its files are. */
export function openFolder(source: FolderSource): Folder {
  if (typeof source === 'string') {
    const { join } = nodeModule('node:path');
    return { name: source, open: (file) => fileSource(join(source, file)) };
  }
  return {
    name: 'the given files',
    open: async (file) => {
      const content = Object.hasOwn(source, file) ? source[file] : undefined;
      if (content === undefined) return undefined;
      return content instanceof Uint8Array || content instanceof Blob ? byteSource(file, content) : content;
    },
  };
}

// As long as a safetensors header may be; no configuration or index comes near.
const longestJson = 100_000_000;

/** The object in a JSON file of a folder, or `undefined` when there is no such file; throws `checkpoint/json-size`. */
export async function readJsonFile(
  folder: Folder,
  file: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const source = await folder.open(file);
  if (source === undefined) return undefined;
  if (source.size > longestJson) {
    throw new PeftError(
      'checkpoint/json-size',
      `${source.name}: the file has ${source.size} bytes, and ${longestJson} is the most that is read as JSON; it is another file or damaged, fetch or write it again.`,
    );
  }
  return parseJson(source.name, await readRange(source, 0, source.size));
}

/** As `readJsonFile`, and an absent file is `checkpoint/missing-file`; `remedy` ends the message. */
export async function requireJsonFile(
  folder: Folder,
  file: string,
  remedy: string,
): Promise<Readonly<Record<string, unknown>>> {
  const found = await readJsonFile(folder, file);
  if (found !== undefined) return found;
  throw new PeftError('checkpoint/missing-file', `${folder.name}: there is no ${file}; ${remedy}.`);
}
