import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from './workspacePackages.mjs';

// Nothing that waits for a keypress, phones home or redraws the screen: output is kept and shown only on failure.
const quiet = { CI: 'true', NO_COLOR: '1', TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1' };

/** Runs a development tool by its name in node_modules/.bin; resolves to `{ status, output }`, never rejects. */
export function runCommand(command, args, { folder = '.' } = {}) {
  const windows = process.platform === 'win32';
  const path = `${join(root, 'node_modules/.bin')}${windows ? ';' : ':'}${process.env.PATH}`;
  const child = spawn(command, args, {
    cwd: join(root, folder),
    env: { ...process.env, ...quiet, PATH: path },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: windows,
  });
  let output = '';
  const keep = (chunk) => {
    output += chunk;
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ status: 1, output: `${command}: ${error.message}` }));
    child.on('close', (status) => resolve({ status: status ?? 1, output }));
  });
}
