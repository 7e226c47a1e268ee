import { parseArgs } from 'node:util';
import { makePythonEnvironment } from '../contest/pythonEnvironment.ts';
import type { Command } from './command.ts';

export const pythonCommand: Command = {
  title: 'makes the Python environment of the rivals',
  help: `Makes benchmarks/.venv with the packages of benchmarks/python/requirements.txt.

  pnpm bench python [--python python3]`,
  async run(args) {
    const { python } = parseArgs({ args: [...args], options: { python: { type: 'string' } } }).values;
    makePythonEnvironment(python ?? 'python3', (line) => console.log(line));
    return 0;
  },
};
