import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../report/replaceFile.ts';
import type { Fidelity } from './fidelity.ts';
import { fidelityMarkdown } from './fidelityMarkdown.ts';
import { fidelityPicture } from './fidelityPicture.ts';

/** Writes fidelity.json, and fidelity.md and fidelity.svg made from it. */
export function writeFidelity(folder: string, fidelity: Fidelity): void {
  mkdirSync(folder, { recursive: true });
  replaceFile(join(folder, 'fidelity.json'), `${JSON.stringify(fidelity, null, 2)}\n`);
  replaceFile(join(folder, 'fidelity.svg'), fidelityPicture(fidelity.parity));
  replaceFile(join(folder, 'fidelity.md'), fidelityMarkdown(fidelity));
}
