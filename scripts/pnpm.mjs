// Runs the pnpm that package.json pins, through npx, so that a machine needs nothing but Node and npm.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { packageManager } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
// Called from outside the workspace: npx would take the copy in node_modules, which an install may have to replace.
const { status } = spawnSync('npx', ['--yes', packageManager, '--dir', root, ...process.argv.slice(2)], {
  cwd: tmpdir(),
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
process.exitCode = status ?? 1;
