// npm run check [-- name ...]: installs, builds, and runs every check below, or those named. A line each when fine.
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { changesetProblems } from './changesets.mjs';
import { eachAtOnce } from './eachAtOnce.mjs';
import { installAndBuild } from './installAndBuild.mjs';
import { packedProblems } from './packed.mjs';
import { runCommand } from './runCommand.mjs';
import { root, workspacePackages } from './workspacePackages.mjs';

const packages = workspacePackages();

async function outputOnFailure(command, args) {
  const { status, output } = await runCommand(command, args);
  return status === 0 ? [] : [output.trimEnd()];
}

async function typeProblems() {
  const typed = packages.filter(({ folder }) => existsSync(join(root, folder, 'tsconfig.json')));
  const problems = await eachAtOnce(typed, availableParallelism(), ({ folder }) =>
    outputOnFailure('tsc', ['--project', folder, '--pretty', 'false']),
  );
  // A sibling's error is seen from every package that imports it: say it once.
  return [...new Set(problems.flat().flatMap((output) => output.split('\n')))];
}

const folders = [
  'packages',
  'examples',
  'benchmarks',
  'fixtures/fuzz',
  'fixtures/parity',
  'fixtures/python/interop',
].filter((folder) => existsSync(join(root, folder)));

const checks = {
  'format and lint': () => outputOnFailure('biome', ['check', '--error-on-warnings', '--max-diagnostics=50', '.']),
  imports: () =>
    outputOnFailure('depcruise', ['--config', '.dependency-cruiser.mjs', '--output-type', 'err-long', ...folders]),
  types: typeProblems,
  // Read with TypeScript, which is there once installed.
  readmes: async () => (await import('./readmeTypes.mjs')).readmeTypeProblems(packages),
  structure: async () => (await import('./structure.mjs')).structureProblems(packages),
  changesets: () => changesetProblems(packages),
  packed: () => packedProblems(packages.filter(({ published }) => published)),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in checks));
if (unknown.length > 0)
  throw new Error(`No check is named ${unknown.join(', ')}; there are ${Object.keys(checks).join(', ')}.`);

const broken = await installAndBuild();
const failed = broken ? [broken] : [];
for (const [name, check] of Object.entries(checks)) {
  if (broken === 'install' || (wanted.length > 0 && !wanted.includes(name))) continue;
  const start = performance.now();
  const problems = await check();
  const outcome = problems.length === 0 ? 'fine' : 'FAILED';
  console.log(`${name.padEnd(24)}${outcome}  ${((performance.now() - start) / 1000).toFixed(1)} s`);
  if (problems.length > 0) {
    console.log(`${problems.join('\n')}\n`);
    failed.push(name);
  }
}
if (failed.length > 0) {
  console.log(`failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
