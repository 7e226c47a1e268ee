// What stands after `pnpm bench`: the measurements of docs/step.md, and the comparisons of docs/fidelity.md.
import { isPeftError } from '@peft/core';
import { commands } from './commands/commands.ts';

const [name = '--help', ...args] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (name === '--help' || !command) {
  if (name !== '--help') console.error(`There is no bench "${name}".\n`);
  const lines = Object.entries(commands).map(([each, { title }]) => `  pnpm bench ${each.padEnd(10)} ${title}`);
  console.log([...lines, '', "  pnpm bench            every package's own benchmark"].join('\n'));
  process.exitCode = name === '--help' ? 0 : 2;
} else if (args.includes('--help')) {
  console.log(command.help);
} else {
  try {
    process.exitCode = await command.run(args);
  } catch (error) {
    if (!isPeftError(error)) throw error;
    console.error(error.message);
    process.exitCode = 2;
  }
}
