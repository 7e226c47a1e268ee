import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cuda12Libraries, type FakeMachine, fakeMachine, packageFiles } from '../../../test/tfjs/fakeMachine.ts';
import { temporaryFolder } from '../../../test/tfjs/temporaryFolder.ts';
import { tensorflowInSite } from '../../../test/tfjs/tensorflowInSite.ts';
import { zipOf } from '../../../test/tfjs/zipOf.ts';
import { type BuildTfjsOptions, buildTfjs } from './buildTfjs.ts';

const folder = temporaryFolder();
const headers = { '/node/include/node/node_api.h': '' };
const probe = JSON.stringify({ tensorflow: '2.21.0', usesGpu: true, values: [7, 10, 15, 22] });

interface Tools {
  /** What the compiler does with its arguments. */
  readonly compiler?: (args: readonly string[]) => { readonly status?: number; readonly errors?: string };
  readonly probed?: { readonly status?: number; readonly output?: string; readonly errors?: string };
  readonly sites?: readonly string[];
}

/** A machine with a package, headers, a compiler that writes its output, a Python and a Node. */
function toolMachine(
  { compiler = () => ({}), probed = { output: probe }, sites = ['/site'] }: Tools = {},
  more: FakeMachine = {},
) {
  const compiled: (readonly string[])[] = [];
  const machine = fakeMachine({
    run: (program, args) => {
      if (args[0] === '--version') return program === 'g++' ? {} : undefined;
      if (args[0] === '-c') return { output: JSON.stringify(sites) };
      if (args[0] === '-e') return probed;
      if (program !== 'g++') return undefined;
      compiled.push(args);
      const result = compiler(args);
      if (!result.status) writeFileSync(args[args.indexOf('-o') + 1] as string, 'addon');
      return result;
    },
    ...more,
    files: { ...packageFiles(), ...headers, ...tensorflowInSite('/site'), ...more.files },
  });
  return { machine, compiled };
}

type WrongBuild = Tools & FakeMachine & { readonly options?: BuildTfjsOptions };

const failure = async (building: Promise<unknown>) => {
  const error = await building.then(
    () => undefined,
    (reason: { readonly code: string; readonly message: string }) => reason,
  );
  expect(error?.code).toBe('cuda/tfjs-build');
  return error?.message;
};

describe('a build', () => {
  it('compiles against TensorFlow, links the libraries it opens, and tries the result', async () => {
    const out = join(folder, 'gpu');
    const progress: string[] = [];
    const { machine, compiled } = toolMachine();
    const built = await buildTfjs(machine, { python: 'python3', out, onProgress: (line) => progress.push(line) });
    const addon = join(out, 'tfjs_binding.node');
    expect(built).toEqual({ addon, tensorflow: '2.21.0', usesGpu: true, said: [] });
    expect(readdirSync(out).sort()).toEqual(['tfjs_binding.build.json', 'tfjs_binding.node']);
    expect(readFileSync(addon, 'utf8')).toBe('addon');
    const folders = ['cuda_runtime', 'cublas', 'cufft', 'cusolver', 'cusparse', 'cudnn'].map(
      (part) => `/site/nvidia/${part}/lib`,
    );
    expect(JSON.parse(readFileSync(join(out, 'tfjs_binding.build.json'), 'utf8'))).toEqual({
      tensorflow: '2.21.0',
      cuda: { cuda: '12.5', cudnn: '9' },
      folders,
    });
    const binding = '/app/node_modules/@tensorflow/tfjs-node-gpu/binding';
    expect(compiled).toEqual([
      [
        ...[
          '-O2',
          '-shared',
          '-fPIC',
          '-std=c++17',
          '-DNAPI_VERSION=8',
          '-I',
          '/node/include/node',
          '-I',
          '/site/tensorflow/include',
        ],
        ...[`${binding}/tfjs_backend.cc`, `${binding}/tfjs_binding.cc`],
        ...[
          '/site/tensorflow/libtensorflow_cc.so.2',
          '/site/tensorflow/libtensorflow_framework.so.2',
          '-Wl,--no-as-needed',
        ],
        ...[
          'cuda_runtime/lib/libcudart.so.12',
          'cublas/lib/libcublas.so.12',
          'cublas/lib/libcublasLt.so.12',
          'cufft/lib/libcufft.so.11',
          'cusolver/lib/libcusolver.so.11',
          'cusparse/lib/libcusparse.so.12',
          'cudnn/lib/libcudnn.so.9',
        ].map((library) => `/site/nvidia/${library}`),
        ...['-Wl,--disable-new-dtags', '-Wl,-rpath,/site/tensorflow', ...folders.map((each) => `-Wl,-rpath,${each}`)],
        ...['-o', join(out, `tfjs_binding.${process.pid}.node`)],
      ],
    ]);
    expect(progress).toEqual([
      'found TensorFlow 2.21.0 (CUDA 12.5 and cuDNN 9) in /site/tensorflow',
      'compiling the addon of @tensorflow/tfjs-node-gpu 4.22.0 with g++, some 10 s',
      'trying it in a fresh process',
    ]);
  });

  it('writes into the package, and takes libraries from the loader where no wheel has them', async () => {
    const place = join(folder, 'app/@tensorflow/tfjs-node-gpu');
    const manifest = packageFiles()['/app/node_modules/@tensorflow/tfjs-node-gpu/package.json'] as string;
    const site = Object.entries(tensorflowInSite('/site')).filter(([path]) => !path.includes('nvidia'));
    const { machine, compiled } = toolMachine(
      {},
      {
        libraries: cuda12Libraries,
        files: { [`${place}/package.json`]: manifest },
        exists: (path) =>
          [...site.map(([file]) => file), '/site/tensorflow', '/node/include/node/node_api.h'].includes(path),
        resolve: () => `${place}/package.json`,
      },
    );
    const { addon } = await buildTfjs(machine);
    expect(addon).toBe(join(place, 'lib/napi-v8/tfjs_binding.node'));
    expect(compiled[0]?.filter((argument) => argument.includes('rpath') || argument.includes('libcu'))).toEqual([
      '-Wl,-rpath,/site/tensorflow',
    ]);
  });

  it('unpacks wheels beside the addon, which finds them wherever both are moved', async () => {
    const out = join(folder, 'wheels');
    const files = Object.entries(tensorflowInSite('', { hasCuda: false, name: 'tensorflow_cpu' }));
    mkdirSync(folder, { recursive: true });
    const wheel = join(folder, 'tensorflow_cpu.whl');
    writeFileSync(wheel, zipOf(Object.fromEntries(files.map(([path, text]) => [path.slice(1), text]))));
    const unpacked = join(out, 'tensorflow');
    mkdirSync(join(unpacked, 'of before'), { recursive: true });
    const { machine, compiled } = toolMachine({
      probed: { output: probe.replace('true', 'false'), errors: 'I0 a.cc:1] no CUDA\nnoise\n' },
    });
    const progress: string[] = [];
    const real = { ...machine, ...realFiles(machine) };
    const built = await buildTfjs(real, { wheels: [wheel], out, onProgress: (line) => progress.push(line) });
    expect(built).toMatchObject({ usesGpu: false, said: ['no CUDA'] });
    expect(readdirSync(unpacked).sort()).toEqual([
      'tensorflow',
      'tensorflow_cpu-2.21.0.dist-info',
      'tensorflow_io_gcs_filesystem-0.37.1.dist-info',
    ]);
    expect(compiled[0]).toContain('-Wl,-rpath,$ORIGIN/tensorflow/tensorflow');
    expect(JSON.parse(readFileSync(join(out, 'tfjs_binding.build.json'), 'utf8'))).toEqual({
      tensorflow: '2.21.0',
      folders: [],
    });
    expect(progress.slice(0, 2)).toEqual([
      `unpacking ${wheel} into ${unpacked}`,
      `found TensorFlow 2.21.0 (CPU only) in ${unpacked}/tensorflow`,
    ]);
    await expect(buildTfjs(real, { wheels: [unpacked], out: join(folder, 'again') })).resolves.toMatchObject({
      tensorflow: '2.21.0',
    });
    expect(compiled[1]).toContain(`-Wl,-rpath,${unpacked}/tensorflow`);
  });
});

describe('a build that cannot be', () => {
  it('says all that is missing, with remedies', async () => {
    expect(await failure(buildTfjs(fakeMachine({ platform: 'win32', environment: { CXX: 'clang++' } })))).toBe(
      `build-tfjs lacks 4 things:
  this is win32: TensorFlow's libraries for Python are of use to the addon on Linux only
  neither @tensorflow/tfjs-node-gpu nor @tensorflow/tfjs-node is installed; run: npm install --ignore-scripts @tensorflow/tfjs-node-gpu
  there is no C++ compiler clang++; run: apt-get install g++ (dnf install gcc-c++), or name one in CXX
  the headers of Node (node_api.h) are neither beside /node/bin/node nor in node-gyp's cache; run: npm install --no-save node-api-headers`,
    );
  });

  it.each<[string, WrongBuild, string]>([
    [
      'without TensorFlow',
      { sites: [] },
      "build-tfjs: python3 has no TensorFlow; run: python3 -m pip install 'tensorflow[and-cuda]', or name a --wheel.",
    ],
    [
      'without a TensorFlow that is whole',
      { sites: ['/none'], options: { python: '/venv/bin/python' } },
      "build-tfjs: there is no TensorFlow in /none; run: /venv/bin/python -m pip install 'tensorflow[and-cuda]', or name a --wheel.",
    ],
    [
      'without its wheels',
      { options: { wheels: ['/a.whl', '/b.whl'] } },
      'build-tfjs lacks 2 things:\n  there is no wheel /a.whl\n  there is no wheel /b.whl',
    ],
    [
      'of a folder without TensorFlow',
      { options: { wheels: ['/node'] } },
      'build-tfjs: there is no TensorFlow in /node; give a wheel of TensorFlow for Linux.',
    ],
    [
      'against an old CUDA',
      { sites: ['/old'], files: tensorflowInSite('/old', { cuda: '12.3.2', runtime: '12.1.105' }) },
      "build-tfjs lacks 2 things:\n  TensorFlow 2.21.0 was built with CUDA 12.3, and 12.5 or later is needed; run: python3 -m pip install --upgrade 'tensorflow[and-cuda]'\n  the wheels of CUDA are 12.1.105, older than the 12.3 of TensorFlow 2.21.0; run: python3 -m pip install --upgrade 'tensorflow[and-cuda]'",
    ],
    [
      'without libraries of CUDA',
      { sites: ['/bare'], files: withoutCudaWheels('/bare'), libraries: { 'libcublas.so.12': {} } },
      "build-tfjs: TensorFlow 2.21.0 wants libcudart.so.12, libcublasLt.so.12, libcufft.so.11, libcusolver.so.11, libcusparse.so.12, libcudnn.so.9, neither in wheels beside it nor on the loader's path; run: python3 -m pip install --upgrade 'tensorflow[and-cuda]'.",
    ],
    [
      'that does not compile',
      { compiler: () => ({ status: 1, errors: 'tfjs_backend.cc:1: error: what?\n' }) },
      'build-tfjs: g++ fails with status 1; it says:\ntfjs_backend.cc:1: error: what?',
    ],
    [
      'whose addon does not load',
      {
        probed: {
          status: 1,
          errors: 'node:internal\nError: libcudnn.so.9: cannot open shared object file\n    at require',
        },
      },
      'build-tfjs: the addon is built and does not work: libcudnn.so.9: cannot open shared object file.',
    ],
    [
      'whose addon dies',
      { probed: { status: 134, errors: '' } },
      'build-tfjs: the addon is built and does not work: the process ends with status 134.',
    ],
    [
      'whose addon computes wrongly',
      { probed: { output: probe.replace('15', '16') } },
      'build-tfjs: the addon is built and does not work: [[1, 2], [3, 4]] squared is [7,10,16,22].',
    ],
  ])('%s says so and leaves nothing', async (name, { compiler, probed, sites, options, ...more }, message) => {
    const out = join(folder, 'failed', name);
    expect(await failure(buildTfjs(toolMachine({ compiler, probed, sites }, more).machine, { ...options, out }))).toBe(
      message,
    );
    mkdirSync(out, { recursive: true });
    expect(readdirSync(out)).toEqual([]);
  });

  it('leaves an addon that works in its place', async () => {
    const out = join(folder, 'kept');
    await buildTfjs(toolMachine().machine, { out });
    const compiler = () => ({ status: 1 });
    await failure(buildTfjs(toolMachine({ compiler }).machine, { out }));
    expect(readFileSync(join(out, 'tfjs_binding.node'), 'utf8')).toBe('addon');
  });
});

function withoutCudaWheels(site: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(tensorflowInSite(site)).filter(([path]) => !path.includes('nvidia')));
}

/** Sees the files of the temporary folder beside those of a machine. */
function realFiles(machine: ReturnType<typeof fakeMachine>) {
  const read = (path: string) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return machine.read(path);
    }
  };
  const list = (place: string) => {
    try {
      return readdirSync(place);
    } catch {
      return machine.list(place);
    }
  };
  const exists = (path: string) =>
    list(dirname(path)).includes(path.slice(dirname(path).length + 1)) || machine.exists(path);
  return { read, list, exists };
}
