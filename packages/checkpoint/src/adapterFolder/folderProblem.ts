import { isRecord } from '../parseJson.ts';
import { sayValue } from './fieldValue.ts';

/** What is wrong with the source of a folder. */
export function folderProblem(source: unknown): string | undefined {
  if (typeof source === 'string' ? source !== '' : isRecord(source)) return undefined;
  return `the folder is ${sayValue(source)}; pass its path, or its files as an object of Blobs by name`;
}
