import type { Command } from './command.ts';
import { compileCommand } from './compileCommand.ts';
import { cudaCommand } from './cudaCommand.ts';
import { eventLoopCommand } from './eventLoopCommand.ts';
import { fidelityCommand } from './fidelityCommand.ts';
import { flatCommand } from './flatCommand.ts';
import { knotCommand } from './knotCommand.ts';
import { pageCommand } from './pageCommand.ts';
import { pythonCommand } from './pythonCommand.ts';
import { ratioCommand } from './ratioCommand.ts';
import { stepCommand } from './stepCommand.ts';
import { tableCommand } from './tableCommand.ts';

/** What can stand after `pnpm bench`. */
export const commands: Readonly<Record<string, Command>> = {
  step: stepCommand,
  knot: knotCommand,
  compile: compileCommand,
  eventloop: eventLoopCommand,
  flat: flatCommand,
  ratio: ratioCommand,
  table: tableCommand,
  page: pageCommand,
  python: pythonCommand,
  fidelity: fidelityCommand,
  cuda: cudaCommand,
};
