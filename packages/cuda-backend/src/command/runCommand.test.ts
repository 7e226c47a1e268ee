import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cuda12Libraries, type FakeMachine, fakeMachine, packageFiles } from '../../test/tfjs/fakeMachine.ts';
import { temporaryFolder } from '../../test/tfjs/temporaryFolder.ts';
import { tensorflowInSite } from '../../test/tfjs/tensorflowInSite.ts';
import { CudaError } from '../cudaError.ts';
import type { EngineParts } from './engineDoor.ts';
import { runCommand, usage } from './runCommand.ts';

const device = {
  name: 'NVIDIA H200',
  architecture: 90,
  multiprocessors: 132,
  sharedMemory: 232_448,
  memory: 150 * 2 ** 30,
  driverVersion: 13_000,
};
const places = (path: string | undefined, ...outcomes: readonly string[]) => ({
  path,
  lookedAt: outcomes.map((outcome, i) => ({ source: 'loader' as const, path: `lib.so.${i}`, outcome })),
});
const whole: EngineParts = {
  driver: { device, path: 'libcuda.so.1' },
  compiler: { kind: 'nvrtc', ...places('/usr/local/cuda/lib64/libnvrtc.so.13', 'not there', 'loaded') },
  products: { kind: 'cublasLt', ...places('libcublasLt.so.13', 'loaded') },
  shippedKernels: 'NVRTC 12.9',
};
const nothing: EngineParts = {
  driver: {
    failure:
      "the library of the CUDA driver was not found; install NVIDIA's driver for the GPU of this machine, or name its file in PEFT_CUDA_LIBRARY. Looked at:\n  libcuda.so.1 (the loader of this system): not there",
  },
  compiler: { kind: 'nvrtc', ...places(undefined, 'no', 'no') },
  products: { kind: 'cublasLt', ...places(undefined, 'no') },
  shippedKernels: undefined,
};
const addon = '/app/node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node';
const install =
  "python3 -m venv ~/.peft-tensorflow && ~/.peft-tensorflow/bin/python -m pip install 'tensorflow[and-cuda]' && npx peft-cuda build-tfjs --python ~/.peft-tensorflow/bin/python";
const driverRemedy =
  'install the driver of your GPU until nvidia-smi lists it; in a container, start it with: docker run --gpus all';

async function command(args: readonly string[], machine: FakeMachine = {}, engine: EngineParts = nothing) {
  const lines: string[] = [];
  const status = await runCommand(args, {
    openMachine: async () => fakeMachine(machine),
    write: (text) => lines.push(text),
    engine: async () => engine,
  });
  return { status, output: lines.join('\n') };
}

function probing(usesGpu: boolean, errors = ''): FakeMachine['run'] {
  return (_program, args) => {
    const output = JSON.stringify({ tensorflow: '2.21.0', usesGpu, values: [7, 10, 15, 22] });
    return args[0] === '-e' && args[2] === addon ? { output, errors } : undefined;
  };
}

const built = JSON.stringify({ tensorflow: '2.21.0', cuda: { cuda: '12.5', cudnn: '9' }, folders: [] });
const files = { ...packageFiles(), [addon]: '', [addon.replace('.node', '.build.json')]: built };

describe('doctor', () => {
  it('on a machine with nothing says the first thing to do', async () => {
    const { status, output } = await command(['doctor']);
    expect(status).toBe(1);
    expect(output).toBe(`Node v22.1.0 on linux x64

tfjsGpu(), eager TensorFlow.js on TensorFlow: does not compute on a GPU here
  missing  package     @tensorflow/tfjs-node-gpu or @tensorflow/tfjs-node
  missing  driver      of NVIDIA
  to mend it, ${driverRemedy}

cudaEngine(), captured steps on CUDA: does not compute on a GPU here
  missing  driver      the library of the CUDA driver was not found
  missing  NVRTC       looked for at 2 places, lib.so.0 first
  missing  cuBLASLt    looked for at 1 place, lib.so.0 first
  missing  kernels     chosen for the device, and there is none
  to mend it, install NVIDIA's driver for the GPU of this machine, or name its file in PEFT_CUDA_LIBRARY`);
  });

  it('on a machine with all says what there is, and succeeds', async () => {
    const { status, output } = await command(
      ['doctor'],
      {
        files: { ...files, '/proc/driver/nvidia/version': 'Kernel Module  580.65.06  Release' },
        libraries: cuda12Libraries,
        run: probing(true),
      },
      whole,
    );
    expect(output).toBe(`Node v22.1.0 on linux x64

tfjsGpu(), eager TensorFlow.js on TensorFlow: computes on the GPU
  found    package     @tensorflow/tfjs-node-gpu 4.22.0 in /app/node_modules/@tensorflow/tfjs-node-gpu
  found    addon       ${addon}
  found    TensorFlow  2.21.0, built with CUDA 12.5 and cuDNN 9
  found    driver      580.65.06, for CUDA up to 13.0
  found    CUDA        12.5 and cuDNN 9.3.0
  found    GPU         TensorFlow computes on it

cudaEngine(), captured steps on CUDA: computes on the GPU
  found    driver      libcuda.so.1 for CUDA up to 13.0; NVIDIA H200, compute capability 9.0, 150 GiB
  found    NVRTC       /usr/local/cuda/lib64/libnvrtc.so.13
  found    cuBLASLt    libcublasLt.so.13
  found    kernels     in the package, by NVRTC 12.9`);
    expect(status).toBe(0);
  });

  it('says why TensorFlow keeps to the CPU, in its words too', async () => {
    const { 'libcudnn.so.9': _, ...fewer } = cuda12Libraries;
    const { status, output } = await command(
      ['doctor'],
      { files, libraries: fewer, run: probing(false, "W dso.cc:1] Could not load dynamic library 'libcudnn.so.9'\n") },
      { ...whole, compiler: nothing.compiler, shippedKernels: undefined },
    );
    expect(status).toBe(1);
    expect(output).toBe(`Node v22.1.0 on linux x64

tfjsGpu(), eager TensorFlow.js on TensorFlow: does not compute on a GPU here
  found    package     @tensorflow/tfjs-node-gpu 4.22.0 in /app/node_modules/@tensorflow/tfjs-node-gpu
  found    addon       ${addon}
  found    TensorFlow  2.21.0, built with CUDA 12.5 and cuDNN 9
  found    driver      of NVIDIA, for CUDA up to 13.0
  missing  CUDA        libcudnn.so.9
  missing  GPU         TensorFlow computes on the CPU
  TensorFlow 2.21.0 wants CUDA 12.5 and cuDNN 9, and the loader does not find libcudnn.so.9
  TensorFlow says: Could not load dynamic library 'libcudnn.so.9'
  to mend it, run: ${install}

cudaEngine(), captured steps on CUDA: does not compute on a GPU here
  found    driver      libcuda.so.1 for CUDA up to 13.0; NVIDIA H200, compute capability 9.0, 150 GiB
  missing  NVRTC       looked for at 2 places, lib.so.0 first
  found    cuBLASLt    libcublasLt.so.13
  missing  kernels     none in the package for this device
  to mend it, run: python3 -m pip install nvidia-cuda-nvrtc-cu12 nvidia-cublas-cu12`);
  });

  it('needs one of the doors only, and kernels from one side only', async () => {
    const { driver } = whole;
    for (const parts of [
      { ...nothing, driver, shippedKernels: 'NVRTC 12.9' },
      { ...nothing, driver, compiler: whole.compiler },
    ]) {
      expect((await command(['doctor'], {}, parts)).status).toBe(0);
    }
    expect((await command(['doctor'], { files, libraries: cuda12Libraries, run: probing(true) })).status).toBe(0);
  });

  it('tells an addon that is missing from one that does not load', async () => {
    const { 'libcudart.so.12': _, ...libraries } = cuda12Libraries;
    const absent = await command(['doctor'], { files: packageFiles(), libraries });
    expect(absent.output).toContain(`  missing  addon       ${addon}\n`);
    expect(absent.output).toContain(`  to mend it, run: ${install}\n`);
    const broken = await command(['doctor', '--addon', '/own/tfjs_binding.node'], {
      files: { ...packageFiles(), '/own/tfjs_binding.node': '' },
      run: () => ({ status: 1, errors: 'Error: libtensorflow_cc.so.2: cannot open\n' }),
    });
    expect(broken.output).toContain(`  found    addon       /own/tfjs_binding.node
  missing  TensorFlow  the addon does not load: libtensorflow_cc.so.2: cannot open
  missing  driver      of NVIDIA
  to mend it, run: ${install}
`);
  });

  it('knows a TensorFlow without CUDA, and a driver without its library', async () => {
    const { output } = await command(['doctor', '--addon', addon], {
      files: {
        ...files,
        [addon.replace('.node', '.build.json')]: JSON.stringify({ tensorflow: '2.21.0', folders: [] }),
      },
      libraries: { 'libcuda.so.1': { cuDriverGetVersion: 12_040 } },
      run: probing(false),
    });
    expect(output).toContain('TensorFlow  2.21.0, built without CUDA\n');
    expect(output).toContain(`  TensorFlow 2.21.0 was built without CUDA\n  to mend it, run: ${install}\n`);
    const half = await command(['doctor'], { files: { '/proc/driver/nvidia/version': 'Module  580.65.06  Release' } });
    expect(half.output).toContain('  missing  driver      the library of 580.65.06\n');
  });

  it('prints data for programs', async () => {
    const { status, output } = await command(['doctor', '--json'], {}, whole);
    expect(status).toBe(0);
    expect(JSON.parse(output)).toMatchObject({
      works: true,
      node: 'v22.1.0',
      platform: 'linux x64',
      doors: [
        { name: 'tfjsGpu', works: false, remedy: driverRemedy },
        { name: 'cudaEngine', works: true, findings: [{ part: 'driver', isFound: true }, {}, {}, {}] },
      ],
    });
  });
});

describe('build-tfjs', () => {
  const folder = temporaryFolder();

  it('builds, and says how the result is used', async () => {
    const out = join(folder, 'out');
    const { status, output } = await command(['build-tfjs', '--python', 'python3', '--out', out], {
      files: { ...files, '/node/include/node/node_api.h': '', ...tensorflowInSite('/site') },
      run: (_program, args) => {
        if (args[0] === '-c') return { output: '["/site"]' };
        if (args[0] === '-e') {
          return {
            output: JSON.stringify({ tensorflow: '2.21.0', usesGpu: false, values: [7, 10, 15, 22] }),
            errors: 'E a.cc:1] no GPU',
          };
        }
        if (args.includes('-o')) writeFileSync(args.at(-1) as string, 'addon');
        return {};
      },
    });
    const path = join(out, 'tfjs_binding.node');
    expect(output).toBe(`found TensorFlow 2.21.0 (CUDA 12.5 and cuDNN 9) in /site/tensorflow
compiling the addon of @tensorflow/tfjs-node-gpu 4.22.0 with g++, some 10 s
trying it in a fresh process
built ${path} for TensorFlow 2.21.0, which computes on the CPU here
no GPU
for the reason run: npx peft-cuda doctor
use it by tfjsGpu({ addon: ${JSON.stringify(path)} })`);
    expect(status).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe('addon');
  });

  it('fails with what is missing', async () => {
    const { status, output } = await command(['build-tfjs', '--wheel', 'a.whl'], { files: packageFiles() });
    expect(status).toBe(1);
    expect(output).toMatch(/^build-tfjs lacks 2 things:\n {2}there is no C\+\+ compiler g\+\+/);
  });
});

describe('peft-cuda', () => {
  it('tells its usage', async () => {
    expect(await command(['--help'])).toEqual({ status: 0, output: usage });
    expect(await command(['doctor', '-h'])).toEqual({ status: 0, output: usage });
    expect(await command([])).toEqual({ status: 2, output: usage });
  });

  it.each([
    [['docter'], 'peft-cuda: there is no command "docter"'],
    [['doctor', 'now'], 'peft-cuda: there is no command "doctor now"'],
    [['doctor', '--out', 'x'], 'peft-cuda doctor: there is no option --out'],
    [['build-tfjs', '--json'], 'peft-cuda build-tfjs: there is no option --json'],
    [['build-tfjs', '--wheel', 'a', '--python', 'b'], 'peft-cuda build-tfjs: give --wheel or --python, not both'],
    [['doctor', '--gpu'], expect.stringMatching(/^peft-cuda: Unknown option '--gpu'/)],
  ])('refuses %j', async (args, message) => {
    const { status, output } = await command(args);
    expect(status).toBe(2);
    expect(output.split('\n\npeft-cuda doctor [')[0]).toEqual(message);
    expect(output.endsWith(usage)).toBe(true);
  });

  it('says why it has no machine to look at', async () => {
    const lines: string[] = [];
    const openMachine = async () => {
      throw new CudaError('cuda/koffi', 'koffi does not load.');
    };
    expect(
      await runCommand(['doctor'], { openMachine, write: (text) => lines.push(text), engine: async () => nothing }),
    ).toBe(1);
    expect(lines).toEqual(['koffi does not load.']);
  });
});
