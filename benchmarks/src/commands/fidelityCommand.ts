import { join } from 'node:path';
import { joinRuns, readFidelity, readScriptRun } from '../fidelity/fidelityFile.ts';
import { runComparisons } from '../fidelity/runComparisons.ts';
import { writeFidelity } from '../fidelity/writeFidelity.ts';
import { circumstancesNow } from './circumstancesNow.ts';
import type { Command } from './command.ts';
import { docs } from './pageCommand.ts';

export const fidelityCommand: Command = {
  title: 'compares with Python and writes docs/fidelity.md',
  help: `Runs every test that compares with values made by Python, or is named after one of its bugs, joins what scripts
wrote with --out, and writes docs/fidelity.md, its picture and docs/fidelity.json. Needs no Python.

  pnpm bench fidelity [FILE...]`,
  async run(files) {
    const known = readFidelity(join(docs, 'fidelity.json'));
    const runs = joinRuns(known.runs, files.map(readScriptRun));
    const compared = await runComparisons(join(docs, '..'), console.log);
    writeFidelity(docs, { circumstances: circumstancesNow('fidelity', []), ...compared, runs });
    return 0;
  },
};
