import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/tfjs/temporaryFolder.ts';
import { thisTfjsMachine } from './tfjsMachine.ts';

const folder = temporaryFolder();

it('reads files, and nothing where there are none', async () => {
  const machine = await thisTfjsMachine();
  writeFileSync(join(folder, 'file'), 'text');
  expect(machine.read(join(folder, 'file'))).toBe('text');
  expect(machine.read(join(folder, 'none'))).toBeUndefined();
  expect(machine.open('libnone-of-this-name.so.1')).toBeUndefined();
});

it('finds packages as this package sees them, then as the working directory does', async () => {
  const machine = await thisTfjsMachine();
  mkdirSync(join(folder, 'node_modules/only-there'), { recursive: true });
  writeFileSync(join(folder, 'node_modules/only-there/package.json'), '{}');
  expect(machine.resolve('@tensorflow/tfjs/package.json')).toMatch(/tfjs[\\/]package\.json$/);
  expect(machine.resolve('only-there/package.json')).toBeUndefined();
  const before = process.cwd;
  process.cwd = () => folder;
  try {
    expect(machine.resolve('only-there/package.json')).toMatch(/only-there[\\/]package\.json$/);
  } finally {
    process.cwd = before;
  }
});

it('runs programs to their end', async () => {
  const { run, nodePath } = await thisTfjsMachine();
  const script = "console.log(process.env.GIVEN + process.argv[1]); console.error('aside'); process.exitCode = 3;";
  expect(await run(nodePath, { args: ['-e', script, 'x y'], environment: { GIVEN: 'g' } })).toEqual({
    status: 3,
    output: 'gx y\n',
    errors: 'aside\n',
  });
  expect(await run(join(folder, 'none'), { args: [] })).toMatchObject({ status: 127, output: '' });
  if (process.platform !== 'win32') {
    const killed = await run(nodePath, {
      args: ['-e', "process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 9)"],
    });
    expect(killed).toEqual({ status: 128, output: '', errors: 'ended by SIGKILL' });
  }
});
