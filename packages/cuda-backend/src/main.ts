#!/usr/bin/env node
import { runCommand } from './command/runCommand.ts';
import { thisTfjsMachine } from './tfjs/tfjsMachine.ts';

async function main(): Promise<void> {
  process.exitCode = await runCommand(process.argv.slice(2), { openMachine: thisTfjsMachine, write: console.log });
}

void main();
