import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './runCommand.mjs';
import { root } from './workspacePackages.mjs';

async function git(...args) {
  const { status, output } = await runCommand('git', args);
  return status === 0 ? output.trim() : undefined;
}

/** Files that differ from where this branch left main, committed or not; undefined on main, or where git cannot say. */
async function changedFiles() {
  for (const main of ['origin/main', 'main']) {
    const base = await git('merge-base', 'HEAD', main);
    if (!base || base === (await git('rev-parse', 'HEAD'))) continue;
    const files = [await git('diff', '--name-only', base), await git('ls-files', '--others', '--exclude-standard')];
    return files.join('\n').split('\n').filter(Boolean);
  }
  return undefined;
}

/** Packages a changeset's front matter names. */
function named(file) {
  const front = readFileSync(join(root, '.changeset', file), 'utf8').split(/^---\s*$/m)[1] ?? '';
  return [...front.matchAll(/^\s*['"]?([^'":\s]+)['"]?\s*:\s*(?:major|minor|patch)\s*$/gm)].map((match) => match[1]);
}

/** Every changeset names packages that exist; every package whose product code changed is named by a changeset of this change. */
export async function changesetProblems(packages) {
  const changesets = readdirSync(join(root, '.changeset')).filter(
    (file) => file.endsWith('.md') && file !== 'README.md',
  );
  const known = new Set(packages.map(({ manifest }) => manifest.name));
  const problems = changesets.flatMap((file) => {
    const names = named(file);
    if (names.length === 0)
      return [`.changeset/${file} names no package: start it with "---", lines like "'@peft/core': minor", "---"`];
    return names
      .filter((name) => !known.has(name))
      .map((name) => `.changeset/${file} names ${name}, which is no package here`);
  });
  const changed = await changedFiles();
  if (!changed) return problems;
  const announced = new Set(changesets.filter((file) => changed.includes(`.changeset/${file}`)).flatMap(named));
  const silent = packages.filter(
    ({ folder, manifest, published }) =>
      published &&
      !announced.has(manifest.name) &&
      changed.some((file) => file.startsWith(`${folder}/src/`) && !/\.test(-d)?\.ts$|__fixtures__/.test(file)),
  );
  return [
    ...problems,
    ...silent.map(
      ({ folder, manifest }) => `${folder}/src changed and no changeset names ${manifest.name}: run npm run changeset`,
    ),
  ];
}
