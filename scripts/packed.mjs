import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { eachAtOnce } from './eachAtOnce.mjs';
import { runCommand } from './runCommand.mjs';

/** Entry points a reader of the published exports map can import: '@peft/core', '@peft/core/testing', not files as such. */
function entriesOf({ name, exports }) {
  return Object.keys(exports)
    .filter((key) => !key.endsWith('.json'))
    .map((key) => `${name}${key.slice(1)}`);
}

function manifestProblems(manifest, files) {
  const text = JSON.stringify(manifest);
  return [
    text.includes('@peft/source') &&
      'its exports still carry the source condition: leave it out of publishConfig.exports',
    text.includes('"workspace:') && 'a dependency still reads workspace:, pack it with pnpm',
    text.includes('"catalog:') && 'a dependency still reads catalog:, pack it with pnpm',
    !files.includes('package/LICENSE') && 'it has no LICENSE',
    !files.includes('package/README.md') && 'it has no README.md',
    ...files.filter((file) => /\.test\.|\/(src|test)\//.test(file)).map((file) => `it ships ${file}`),
  ].filter(Boolean);
}

/** What npm would get: packs each package and looks at the tarball; then loads every entry as ESM and as CJS. */
async function problemsOf({ folder, manifest }, destination) {
  const tarball = join(destination, `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`);
  const packing = await runCommand('pnpm', ['pack', '--pack-destination', destination], { folder });
  if (packing.status !== 0) return [packing.output];
  const packed = JSON.parse((await runCommand('tar', ['-xOzf', tarball, 'package/package.json'])).output);
  const files = (await runCommand('tar', ['-tzf', tarball])).output.trim().split('\n');

  const tools = [
    ['publint', ['run', tarball, '--strict']],
    ['attw', [tarball, '--profile', 'node16', '--format', 'ascii', '--no-emoji']],
    ...entriesOf(packed).flatMap((entry) => [
      ['node', ['--input-type=module', '--eval', `await import('${entry}')`]],
      ['node', ['--input-type=commonjs', '--eval', `require('${entry}')`]],
    ]),
  ];
  const problems = manifestProblems(packed, files);
  for (const [tool, args] of tools) {
    const { status, output } = await runCommand(tool, args, { folder });
    if (status !== 0) problems.push(`${tool} ${args.at(-1)}\n${output.trimEnd()}`);
  }
  return problems;
}

export async function packedProblems(packages) {
  const destination = mkdtempSync(join(tmpdir(), 'peft-pack-'));
  try {
    const problems = await eachAtOnce(packages, availableParallelism(), (each) => problemsOf(each, destination));
    return packages.flatMap(({ folder }, index) => problems[index].map((problem) => `${folder}: ${problem}`));
  } finally {
    rmSync(destination, { recursive: true, force: true });
  }
}
