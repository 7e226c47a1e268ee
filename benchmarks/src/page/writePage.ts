import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../report/replaceFile.ts';
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
  replaceFile(join(folder, 'step-ratios.svg'), ratioPicture(figures.rows));
  replaceFile(join(folder, 'step.md'), stepMarkdown(figures));
}
