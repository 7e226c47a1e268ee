import { homedir } from 'node:os';
import { expect, it } from 'vitest';
import { type FakeMachine, fakeMachine } from '../../../test/tfjs/fakeMachine.ts';
import { nodeHeaders } from './nodeHeaders.ts';

const api = '/app/node_modules/node-api-headers';

it.each<[string, FakeMachine, string | undefined]>([
  [
    'where npm is told',
    {
      environment: { npm_config_nodedir: '/src/node' },
      files: { '/src/node/include/node/node_api.h': '', '/node/include/node/node_api.h': '' },
    },
    '/src/node/include/node',
  ],
  [
    'beside Node',
    { environment: { npm_config_nodedir: '/src/node' }, files: { '/node/include/node/node_api.h': '' } },
    '/node/include/node',
  ],
  [
    "in node-gyp's cache",
    { files: { [`${homedir()}/.cache/node-gyp/22.1.0/include/node/node_api.h`]: '' } },
    `${homedir()}/.cache/node-gyp/22.1.0/include/node`,
  ],
  [
    "in node-gyp's cache elsewhere",
    { environment: { XDG_CACHE_HOME: '/cache' }, files: { '/cache/node-gyp/22.1.0/include/node/node_api.h': '' } },
    '/cache/node-gyp/22.1.0/include/node',
  ],
  ['in a package', { files: { [`${api}/package.json`]: '', [`${api}/include/node_api.h`]: '' } }, `${api}/include`],
  [
    'of another Node nowhere',
    { files: { [`${homedir()}/.cache/node-gyp/20.0.0/include/node/node_api.h`]: '' } },
    undefined,
  ],
])('are found %s', (_place, machine, folder) => {
  expect(nodeHeaders(fakeMachine(machine))).toBe(folder);
});
