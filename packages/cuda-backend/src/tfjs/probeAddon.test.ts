import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fakeMachine } from '../../test/tfjs/fakeMachine.ts';
import { temporaryFolder } from '../../test/tfjs/temporaryFolder.ts';
import { probeAddon } from './probeAddon.ts';
import { runProgram } from './runProgram.ts';

const folder = temporaryFolder();
const machine = { ...fakeMachine(), nodePath: process.execPath, run: runProgram };

/** A module with the interface of the addon, in JavaScript. */
function addon(name: string, more = ''): string {
  const path = join(folder, `${name}.cjs`);
  writeFileSync(
    path,
    `const tensors = [];
exports.TF_Version = '2.21.0';
exports.TF_FLOAT = 1;
exports.TF_ATTR_BOOL = 2;
exports.TF_ATTR_TYPE = 3;
exports.isUsingGpuDevice = () => true;
exports.createTensor = (shape, type, values) => tensors.push({ shape, type, values }) - 1;
exports.tensorDataSync = (id) => tensors[id].values;
exports.executeOp = (name, attributes, inputs, count) => {
  const said = JSON.stringify({ name, attributes, inputs, count });
  const wanted = ${JSON.stringify(
    JSON.stringify({
      name: 'MatMul',
      attributes: [
        { name: 'transpose_a', type: 2, value: false },
        { name: 'transpose_b', type: 2, value: false },
        { name: 'T', type: 3, value: 1 },
      ],
      inputs: [0, 0],
      count: 1,
    }),
  )};
  if (said !== wanted) throw new Error(said);
  const [[a, b, c, d]] = inputs.map((id) => [...tensors[id].values]);
  return [{ id: exports.createTensor([2, 2], 1, [a * a + b * c, a * b + b * d, c * a + d * c, c * b + d * d]) }];
};
${more}`,
  );
  return path;
}

it('says what an addon is, and what TensorFlow logs of libraries and devices', async () => {
  const log = [
    "2026-11-22 10:00:00.1: W tensorflow/dso_loader.cc:55] Could not load dynamic library 'libcudnn.so.8'; dlerror: none",
    'I0000 00:00:1.1  1 cpu_feature_guard.cc:227] This binary is optimized',
    'E0000 00:00:1.1  1 cuda_platform.cc:52] failed call to cuInit: UNKNOWN ERROR (303)',
  ];
  const noisy = addon('noisy', `console.error(${JSON.stringify(log.join('\n'))}); console.log('banner');`);
  expect(await probeAddon(machine, noisy)).toEqual({
    tensorflow: '2.21.0',
    usesGpu: true,
    said: [
      "Could not load dynamic library 'libcudnn.so.8'; dlerror: none",
      'failed call to cuInit: UNKNOWN ERROR (303)',
    ],
  });
});

it('has TensorFlow log all, and leave memory of the GPU to others', async () => {
  const path = addon(
    'environment',
    'exports.TF_Version = process.env.TF_CPP_MIN_LOG_LEVEL + process.env.TF_FORCE_GPU_ALLOW_GROWTH;',
  );
  expect(await probeAddon(machine, path)).toMatchObject({ tensorflow: '0true' });
});

it.each([
  ['is not there', join(folder, 'none.node'), `Cannot find module '${join(folder, 'none.node')}'`],
  [
    'does not load',
    addon('broken', "throw new TypeError('undefined symbol: TF_Version');"),
    'undefined symbol: TF_Version',
  ],
  ['kills its process', addon('deadly', 'process.abort();'), expect.stringMatching(/ended by SIGABRT|status 1\d\d/)],
  [
    'computes wrongly',
    addon('wrong', 'exports.tensorDataSync = () => [1, 2, 3, 4];'),
    '[[1, 2], [3, 4]] squared is [1,2,3,4]',
  ],
])('says of an addon that %s why', async (_, path, failure) => {
  expect(await probeAddon(machine, path)).toEqual({ failure });
});
