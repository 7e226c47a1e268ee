import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { fakeMachine, packageFiles } from '../../test/tfjs/fakeMachine.ts';
import { installedPackage } from './installedPackage.ts';
import { thisTfjsMachine } from './tfjsMachine.ts';

const addon = '/app/node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node';

it('is the package for GPUs first, and the one that has its addon before one that has none', () => {
  const both = { ...packageFiles(), ...packageFiles('@tensorflow/tfjs-node') };
  expect(installedPackage(fakeMachine())).toBeUndefined();
  expect(installedPackage(fakeMachine({ files: both }))).toEqual({
    name: '@tensorflow/tfjs-node-gpu',
    version: '4.22.0',
    folder: '/app/node_modules/@tensorflow/tfjs-node-gpu',
    addon,
    isBuilt: false,
    nodeApi: 8,
    built: undefined,
  });
  const builtCpu = { ...both, [addon.replace('tfjs-node-gpu', 'tfjs-node')]: '' };
  expect(installedPackage(fakeMachine({ files: builtCpu }))).toMatchObject({
    name: '@tensorflow/tfjs-node',
    isBuilt: true,
  });
  expect(installedPackage(fakeMachine({ files: builtCpu }), { names: ['@tensorflow/tfjs-node-gpu'] })).toMatchObject({
    name: '@tensorflow/tfjs-node-gpu',
    isBuilt: false,
  });
  expect(installedPackage(fakeMachine({ files: { ...builtCpu, [addon]: '' } }))).toMatchObject({
    name: '@tensorflow/tfjs-node-gpu',
    isBuilt: true,
  });
});

it('knows of an addon elsewhere, and what it was built against', () => {
  const built = { tensorflow: '2.21.0', cuda: { cuda: '12.5', cudnn: '9' }, folders: ['/wheels/nvidia/cublas/lib'] };
  const files = {
    ...packageFiles(),
    '/own/tfjs_binding.node': '',
    '/own/tfjs_binding.build.json': JSON.stringify(built),
  };
  const found = installedPackage(fakeMachine({ files, nodeApi: 6 }), { addon: '/own/tfjs_binding.node' });
  expect(found).toMatchObject({ addon: '/own/tfjs_binding.node', isBuilt: true, nodeApi: 6, built });
});

it.each(['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const)(
  'finds the addon where %s looks',
  async (name) => {
    const machine = await thisTfjsMachine();
    const manifest = machine.resolve(`${name}/package.json`) as string;
    const { find } = createRequire(manifest)('@mapbox/node-pre-gyp') as { readonly find: (path: string) => string };
    expect(installedPackage(machine, { names: [name] })?.addon).toBe(find(manifest));
  },
);
