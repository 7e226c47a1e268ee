import { isPlainFileName } from '../isPlainFileName.ts';
import { sayValue } from './fieldValue.ts';

/** The sub-folder of an adapter: Python keeps the one called default beside the others' folders. */
export function subFolderOf(adapter: string | undefined): string | undefined {
  return adapter === 'default' ? undefined : adapter;
}

/** What is wrong with an adapter's name, which is that of its folder. */
export function adapterNameProblem(adapter: unknown): string | undefined {
  if (adapter === undefined || (typeof adapter === 'string' && isPlainFileName(adapter))) return undefined;
  return `adapter is ${sayValue(adapter)}; pass the name of a folder, without slashes, or leave it out`;
}
