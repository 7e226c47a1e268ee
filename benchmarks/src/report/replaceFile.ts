import { renameSync, writeFileSync } from 'node:fs';

/** Writes a file so that whoever reads it finds the old text or the new one, whole. */
export function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}
