import { homedir } from 'node:os';
import type { TfjsMachine } from '../tfjsMachine.ts';

/** The folder that holds node_api.h, or undefined where there is none. */
export function nodeHeaders(machine: TfjsMachine): string | undefined {
  const { join, dirname, environment, nodePath, nodeVersion } = machine;
  const nodeGyp = [environment.XDG_CACHE_HOME ?? join(homedir(), '.cache'), join(homedir(), 'Library/Caches')];
  const package_ = machine.resolve('node-api-headers/package.json');
  const folders = [
    environment.npm_config_nodedir && join(environment.npm_config_nodedir, 'include/node'),
    join(dirname(nodePath), '../include/node'),
    ...nodeGyp.map((cache) => join(cache, 'node-gyp', nodeVersion.slice(1), 'include/node')),
    package_ && join(dirname(package_), 'include'),
  ];
  return folders.find((folder) => folder && machine.exists(join(folder, 'node_api.h')));
}
