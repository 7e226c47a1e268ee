import { mergeFigures, writeFigures } from '../step/figuresFile.ts';
import { measureStep } from '../step/measureStep.ts';
import { stepHelp, stepOptions } from '../step/stepOptions.ts';
import { stepTable } from '../step/stepTable.ts';
import { circumstancesNow } from './circumstancesNow.ts';
import type { Command } from './command.ts';

export const stepCommand: Command = {
  title: 'one training step against PyTorch or another engine',
  help: stepHelp,
  async run(args) {
    const options = stepOptions(args);
    const circumstances = circumstancesNow('step', args);
    const row = await measureStep({ ...options, circumstances, log: (line) => console.error(line) });
    console.log(stepTable(row));
    if (options.json) writeFigures(options.json, mergeFigures([{ rows: [row], measures: [] }]));
    return Object.keys(row.failed).length > 0 ? 1 : 0;
  },
};
