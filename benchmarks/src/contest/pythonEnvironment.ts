import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PeftError } from '@peft/core';

const folder = fileURLToPath(new URL('..', import.meta.url));
const environment = join(folder, '.venv');
const isWindows = process.platform === 'win32';
const interpreter = join(environment, isWindows ? 'Scripts/python.exe' : 'bin/python');

/** The interpreter of the rivals' environment; throws `bench/python` where it was never made. */
export function rivalPython(): string {
  if (existsSync(interpreter)) return interpreter;
  throw new PeftError(
    'bench/python',
    'the rivals need PyTorch, transformers and PEFT in an environment of their own, which is not there yet; make it with: pnpm bench python',
  );
}

export const rivalScript = join(folder, 'python', 'rival.py');

/** Makes the rivals' virtual environment with the pinned packages, by pip and its own settings. */
export function makePythonEnvironment(python: string, log: (line: string) => void): void {
  log(`making ${environment} with ${python}`);
  run(python, ['-m', 'venv', environment]);
  run(interpreter, ['-m', 'pip', 'install', '--quiet', '--requirement', join(folder, 'python', 'requirements.txt')]);
  run(interpreter, [
    '-c',
    'import torch, transformers, peft; print(torch.__version__, transformers.__version__, peft.__version__)',
  ]);
  const compiler = process.env.CXX ?? 'g++';
  if (spawnSync(compiler, ['--version']).status !== 0) {
    log(
      `torch.compile needs a C++ compiler and ${compiler} is not there: install g++ (Debian, Ubuntu: apt install g++)`,
    );
  }
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (status === 0) return;
  const reason = error ? error.message : `it ended with status ${status}`;
  throw new PeftError(
    'bench/python',
    `${command} ${args.slice(0, 3).join(' ')}: ${reason}. Python 3.10 to 3.13 with venv is needed (Debian, Ubuntu: apt install python3-venv); name another with --python.`,
  );
}
