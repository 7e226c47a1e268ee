import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cuda12Libraries, fakeMachine, packageFiles } from '../../test/tfjs/fakeMachine.ts';
import { registerTensorflow, removeTensorflow } from '../../test/tfjs/fakeTensorflow.ts';
import { temporaryFolder } from '../../test/tfjs/temporaryFolder.ts';
import { tfjsGpu, tfjsGpuOn } from './tfjsGpu.ts';

const install =
  "python3 -m venv ~/.peft-tensorflow && ~/.peft-tensorflow/bin/python -m pip install 'tensorflow[and-cuda]' && npx peft-cuda build-tfjs --python ~/.peft-tensorflow/bin/python";
const noDriver =
  'TensorFlow computes on the CPU: there is no NVIDIA driver: the loader does not find libcuda.so.1; install the driver of your GPU until nvidia-smi lists it; in a container, start it with: docker run --gpus all.';
const withGpu = { libraries: cuda12Libraries };
const warnings: string[] = [];
const onWarning = (message: string) => warnings.push(message);

beforeEach(async () => {
  warnings.length = 0;
  await tf.setBackend('cpu');
});

afterEach(removeTensorflow);

describe('what is given', () => {
  it('computes from now on, and is described', async () => {
    const tensorflow = registerTensorflow();
    const described = await tfjsGpuOn(fakeMachine({ ...withGpu, files: packageFiles() }), { tensorflow, onWarning });
    expect(tf.getBackend()).toBe('tensorflow');
    expect(described).toMatchObject({
      package: {
        name: '@tensorflow/tfjs-node-gpu',
        version: '4.22.0',
        folder: '/app/node_modules/@tensorflow/tfjs-node-gpu',
      },
      tensorflow: '2.21.0',
      usesGpu: true,
      wanted: { cuda: '12.5', cudnn: '9.3' },
      found: { driver: { version: undefined, cuda: '13.0' }, cuda: '12.5', cudnn: '9.3.0', missing: [] },
    });
    expect(described.productError).toBeLessThan(1e-6);
    expect(tf.memory().numTensors).toBe(0);
    expect(warnings).toEqual([]);
  });

  it('may be what import gives, or a function that loads it', async () => {
    const tensorflow = registerTensorflow({ isGPUPackage: false });
    for (const given of [{ default: tensorflow }, () => tensorflow, async () => ({ default: tensorflow })]) {
      const described = await tfjsGpuOn(fakeMachine(withGpu), { tensorflow: given, onWarning });
      expect(described.package).toEqual({ name: '@tensorflow/tfjs-node' });
      expect(described.wanted).toBeUndefined();
    }
  });

  it.each([
    ['tfjs without TensorFlow', tf],
    ['something else', {}],
    ['nothing', () => undefined],
  ])('is refused where it is %s', async (_, tensorflow) => {
    await expect(tfjsGpuOn(fakeMachine(), { tensorflow })).rejects.toMatchObject({
      name: 'CudaError',
      code: 'cuda/tfjs-package',
      message:
        "tfjsGpu: what is given as tensorflow is no tfjs-node: it has no backend named tensorflow; give what require('@tensorflow/tfjs-node-gpu') gives, or leave the option out.",
    });
    expect(tf.getBackend()).toBe('cpu');
  });
});

describe('on the CPU', () => {
  it('is refused, and the backend stays as it was', async () => {
    const tensorflow = registerTensorflow({ isUsingGpuDevice: false });
    await expect(tfjsGpuOn(fakeMachine(), { tensorflow, onWarning })).rejects.toMatchObject({
      code: 'cuda/tfjs-cpu',
      message: `tfjsGpu: ${noDriver}`,
    });
    expect(tf.getBackend()).toBe('cpu');
    expect(warnings).toEqual([]);
  });

  it('is used where the caller accepts it, with a warning', async () => {
    const tensorflow = registerTensorflow({ isUsingGpuDevice: false });
    const described = await tfjsGpuOn(fakeMachine(), { tensorflow, allowCpu: true, onWarning });
    expect(described.usesGpu).toBe(false);
    expect(tf.getBackend()).toBe('tensorflow');
    expect(warnings).toEqual([`tfjsGpu: ${noDriver}`]);
  });
});

describe('a product', () => {
  it('that is wrong is an error', async () => {
    const tensorflow = registerTensorflow({ spoil: (values) => values.fill(0, 0, 3) });
    await expect(tfjsGpuOn(fakeMachine(withGpu), { tensorflow })).rejects.toMatchObject({
      code: 'cuda/tfjs-product',
      message: expect.stringMatching(
        /^tfjsGpu: a matrix product on the tensorflow backend of @tensorflow\/tfjs-node-gpu differs from the same on the host by 0\.0\d+ of its norm \(at most 0\.005\); this TensorFlow does not serve this GPU: build the addon against a current one with npx peft-cuda build-tfjs\.$/,
      ),
    });
    expect(tf.getBackend()).toBe('cpu');
  });

  it('that is off as TF32 is passes, and its error is told', async () => {
    const tensorflow = registerTensorflow({
      spoil: (values) =>
        values.forEach((value, i) => {
          values[i] = value * (1 + 2 ** -11);
        }),
    });
    const { productError } = await tfjsGpuOn(fakeMachine(withGpu), { tensorflow });
    expect(productError).toBeCloseTo(2 ** -11, 6);
  });

  it('that is not a number is an error', async () => {
    const tensorflow = registerTensorflow({ spoil: (values) => values.fill(Number.NaN, 7, 8) });
    await expect(tfjsGpuOn(fakeMachine(withGpu), { tensorflow })).rejects.toMatchObject({ code: 'cuda/tfjs-product' });
  });

  it('for which tfjs-node lacks functions of Node says so', async () => {
    const tensorflow = registerTensorflow({
      spoil: () => {
        throw new TypeError('(0 , util_1.isNullOrUndefined) is not a function');
      },
    });
    await expect(tfjsGpuOn(fakeMachine(withGpu), { tensorflow })).rejects.toMatchObject({
      code: 'cuda/tfjs-util',
      message: `tfjsGpu: @tensorflow/tfjs-node-gpu calls functions of node:util that Node ${process.version} no longer has, and was loaded before tfjsGpu() could give them to it; call tfjsGpu() before anything imports @tensorflow/tfjs-node-gpu.`,
    });
    const failing = registerTensorflow({
      spoil: () => {
        throw new Error('out of memory');
      },
    });
    await expect(tfjsGpuOn(fakeMachine(withGpu), { tensorflow: failing })).rejects.toThrow('out of memory');
  });
});

describe('a copy of tfjs', () => {
  it('with an engine of its own is refused', async () => {
    const other = { ...registerTensorflow(), engine: () => ({}), version: { tfjs: '4.20.0' } };
    await expect(tfjsGpuOn(fakeMachine(withGpu), { tensorflow: other })).rejects.toMatchObject({
      code: 'cuda/tfjs-copies',
      message: `tfjsGpu: @tensorflow/tfjs-node-gpu loads a copy of @tensorflow/tfjs with an engine of its own (4.20.0, this program has 4.22.0), so tensors of this program never reach it; run: npm install --ignore-scripts @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-node-gpu@4.22.0 && npm dedupe.`,
    });
    expect(tf.getBackend()).toBe('cpu');
  });

  it('that shares the engine is told of', async () => {
    const other = { ...registerTensorflow(), Tensor: class {}, version: { tfjs: '4.20.0' } };
    await tfjsGpuOn(fakeMachine(withGpu), { tensorflow: other, onWarning });
    expect(warnings).toEqual([
      "tfjsGpu: @tensorflow/tfjs-node-gpu loads a copy of @tensorflow/tfjs of its own (4.20.0, this program has 4.22.0), which shares this program's engine but registers every kernel again; run: npm install --ignore-scripts @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-node-gpu@4.22.0 && npm dedupe.",
    ]);
  });
});

describe('an installed package', () => {
  const folder = temporaryFolder();
  const name = '@tensorflow/tfjs-node-gpu';
  const manifest = packageFiles()[`/app/node_modules/${name}/package.json`] as string;

  /** A machine on which the package is a module that runs `text`. */
  function installed(directory: string, text: string) {
    const place = join(folder, directory, 'tfjs-node-gpu');
    mkdirSync(join(place, 'dist'), { recursive: true });
    writeFileSync(join(place, 'dist/index.js'), text);
    writeFileSync(join(place, 'package.json'), JSON.stringify({ ...JSON.parse(manifest), main: 'dist/index.js' }));
    const addon = `${place}/lib/napi-v8/tfjs_binding.node`;
    const machine = fakeMachine({
      ...withGpu,
      files: { [`${place}/package.json`]: manifest, [addon]: '' },
      resolve: (file) => (file === `${name}/package.json` ? `${place}/package.json` : undefined),
    });
    return { machine, place, addon };
  }

  it('is loaded with what it lacks', async () => {
    const seen = globalThis as { tensorflow?: unknown; util?: object };
    seen.tensorflow = registerTensorflow();
    const { machine, place } = installed(
      'good',
      "globalThis.util = require('util'); module.exports = globalThis.tensorflow;",
    );
    expect((await tfjsGpuOn(machine, {})).package.folder).toBe(place);
    expect(Object.hasOwn(seen.util as object, 'isNullOrUndefined')).toBe(true);
    delete seen.tensorflow;
    delete seen.util;
  });

  it('whose addon does not load says why', async () => {
    const reason = 'libtensorflow_cc.so.2: cannot open shared object file: No such file or directory';
    const { machine, addon } = installed('broken', `throw new Error(${JSON.stringify(`${reason}\nmore`)});`);
    await expect(tfjsGpuOn(machine, { tensorflow: name })).rejects.toMatchObject({
      code: 'cuda/tfjs-addon',
      message: `tfjsGpu: the addon at ${addon} does not load: ${reason}; run: ${install}.`,
    });
  });

  it('without its addon, and none, are refused', async () => {
    await expect(tfjsGpuOn(fakeMachine({ files: packageFiles() }), {})).rejects.toMatchObject({
      code: 'cuda/tfjs-addon',
      message: `tfjsGpu: @tensorflow/tfjs-node-gpu 4.22.0 has no addon at /app/node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node: its install script did not run, or failed; run: ${install}.`,
    });
    await expect(tfjsGpuOn(fakeMachine(), { tensorflow: '@tensorflow/tfjs-node' })).rejects.toMatchObject({
      code: 'cuda/tfjs-package',
      message: `tfjsGpu: @tensorflow/tfjs-node is not installed; run: npm install --ignore-scripts @tensorflow/tfjs-node && ${install}.`,
    });
  });
});

describe('options', () => {
  it('that are misspelt or impossible are refused at once', async () => {
    const options = { gpu: true, tensorflow: 'tfjs-node', addon: 3, allowCpu: 'yes', growMemory: 1, onWarning: 'log' };
    await expect(tfjsGpu(options as never)).rejects.toMatchObject({
      code: 'cuda/options',
      message:
        'tfjsGpu: there is no option "gpu"; there are tensorflow, addon, allowCpu, growMemory, onWarning; tensorflow is "tfjs-node"; it is \'@tensorflow/tfjs-node-gpu\', \'@tensorflow/tfjs-node\', a function that loads one of them, or what they export; addon is 3; it is the path of a tfjs_binding.node; allowCpu is "yes"; it is true or false; growMemory is 1; it is true or false; onWarning is "log"; it is a function of a text.',
    });
    await expect(tfjsGpu({ tensorflow: null as never })).rejects.toThrow('tensorflow is null; it is');
  });

  it('let TensorFlow take memory as it needs it, unless told otherwise', async () => {
    const name = 'TF_FORCE_GPU_ALLOW_GROWTH';
    const { [name]: before } = process.env;
    const after = async (growMemory: boolean | undefined, set?: string) => {
      delete process.env[name];
      if (set !== undefined) process.env[name] = set;
      await tfjsGpuOn(fakeMachine(withGpu), { tensorflow: registerTensorflow(), growMemory });
      return process.env[name];
    };
    expect(await after(undefined)).toBe('true');
    expect(await after(false)).toBeUndefined();
    expect(await after(true, 'false')).toBe('false');
    delete process.env[name];
    if (before !== undefined) process.env[name] = before;
  });
});
