import { nodeModule } from '../nodeModule.ts';
import type { FolderSource } from '../openFolder.ts';
import { openFolder } from '../openFolder.ts';
import { folderProblem } from './folderProblem.ts';
import { requireArguments } from './requireArguments.ts';

const configFile = 'adapter_config.json';

/**
 * The adapters of a folder that save_pretrained or `saveAdapter` wrote: `default` for the one in the folder itself,
 * then those in folders of their own, by name. Empty for a folder without any, or for none.
 */
export async function listAdapters(source: FolderSource): Promise<readonly string[]> {
  requireArguments('listAdapters', [folderProblem(source)]);
  const folder = openFolder(source);
  const names: string[] = [];
  for (const name of (await subFolders(source)).sort()) {
    if ((await folder.open(`${name}/${configFile}`)) !== undefined) names.push(name);
  }
  return (await folder.open(configFile)) === undefined ? names : ['default', ...names];
}

async function subFolders(source: FolderSource): Promise<string[]> {
  if (typeof source === 'string') {
    const entries = await nodeModule('node:fs/promises')
      .readdir(source, { withFileTypes: true })
      .catch(() => []);
    return entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map(({ name }) => name);
  }
  const ends = Object.keys(source).filter((file) => file.endsWith(`/${configFile}`));
  return ends.map((file) => file.slice(0, -configFile.length - 1)).filter((name) => !name.includes('/'));
}
