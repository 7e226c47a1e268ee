import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const foldersOf = (parent) =>
  existsSync(join(root, parent)) ? readdirSync(join(root, parent)).map((name) => `${parent}/${name}`) : [];

/** Every package of the workspace, in the places pnpm-workspace.yaml names: `{ folder, manifest, published }`. */
export function workspacePackages() {
  return [...foldersOf('packages'), ...foldersOf('examples'), 'benchmarks', 'fixtures/fuzz', 'fixtures/parity']
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .map((folder) => {
      const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
      return { folder, manifest, published: manifest.private !== true };
    });
}
