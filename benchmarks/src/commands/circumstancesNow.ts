import { version } from '@tensorflow/tfjs';
import { machineSaid } from '../report/machine.ts';
import type { Circumstances } from '../step/stepRow.ts';

export function circumstancesNow(command: string, args: readonly string[]): Circumstances {
  // Where the figures go says nothing about them.
  const file = args.indexOf('--json');
  const told = file < 0 ? args : [...args.slice(0, file), ...args.slice(file + 2)];
  return {
    command: ['pnpm bench', command, ...told].join(' '),
    date: new Date().toISOString().slice(0, 10),
    machine: machineSaid(),
    versions: { node: process.versions.node, '@tensorflow/tfjs': version.tfjs },
  };
}
