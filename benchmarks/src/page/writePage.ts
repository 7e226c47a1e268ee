import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mergeFigures, readFigures, writeFigures } from '../step/figuresFile.ts';
import type { Figures } from '../step/stepRow.ts';
import { ratioPicture } from './ratioPicture.ts';
import { stepMarkdown } from './stepMarkdown.ts';

/** Joins figures to those a folder has in step.json, and writes step.md and step-ratios.svg from all of them. */
export function writePage(folder: string, added: readonly Figures[]): void {
  const file = join(folder, 'step.json');
  mkdirSync(folder, { recursive: true });
  const known = existsSync(file) ? [readFigures(file)] : [];
  const figures = mergeFigures([...known, ...added]);
  writeFigures(file, figures);
  write(join(folder, 'step-ratios.svg'), ratioPicture(figures.rows));
  write(join(folder, 'step.md'), stepMarkdown(figures));
}

function write(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}
