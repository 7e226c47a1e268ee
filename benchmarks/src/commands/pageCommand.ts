import { fileURLToPath } from 'node:url';
import { writePage } from '../page/writePage.ts';
import { readFigures } from '../step/figuresFile.ts';
import type { Command } from './command.ts';

/** docs/ of the repository. */
export const docs = fileURLToPath(new URL('../../docs', import.meta.url));

export const pageCommand: Command = {
  title: 'joins figures into docs/step.md',
  help: `Joins files written with --json to docs/step.json and writes docs/step.md and its picture again.

  pnpm bench page [FILE...]`,
  async run(files) {
    writePage(docs, files.map(readFigures));
    return 0;
  },
};
