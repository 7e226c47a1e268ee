import { cp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { defineConfig } from 'tsup';
import { build } from '../tsup.shared.ts';

const folder = 'cuda/dist';

/** What the bundle loads by itself: koffi with its binary of this platform, and the kernels' texts and images. */
async function addFiles(): Promise<void> {
  const backend = createRequire(join(process.cwd(), '../packages/cuda-backend/package.json'));
  const koffi = dirname(backend.resolve('koffi'));
  const binary = `@koromix/koffi-${process.platform}-${process.arch}`;
  const binaries = dirname(createRequire(join(koffi, 'index.cjs')).resolve(`${binary}/package.json`));
  for (const [name, from] of [
    ['koffi', koffi],
    [binary, binaries],
  ] as const) {
    await cp(from, join(folder, 'node_modules', name), { recursive: true, dereference: true });
  }
  await cp('../packages/cuda-backend/kernels', join(folder, 'kernels'), { recursive: true });
  // Sources of koffi's own libraries: its binary is built.
  await rm(join(folder, 'node_modules/koffi/vendor'), { recursive: true, force: true });
}

export default [
  build(
    { main: 'src/main.ts', bench: 'src/bench.ts', worker: 'src/worker.ts' },
    { format: ['esm'], dts: false, platform: 'node' },
  ),
  // One folder that runs where nothing is installed but Node.
  defineConfig({
    entry: { cuda: 'src/cuda.ts' },
    outDir: folder,
    format: ['esm'],
    target: 'es2022',
    platform: 'node',
    noExternal: [/^(?!koffi|@koromix|onnxruntime)/],
    external: [/^koffi/, /^@koromix/, /^onnxruntime/],
    clean: true,
    banner: {
      js: "import { createRequire as bundledRequire } from 'node:module'; const require = bundledRequire(import.meta.url);",
    },
    esbuildOptions: (options) => {
      options.conditions = ['@peft/source', 'module', 'node', 'import'];
    },
    onSuccess: addFiles,
  }),
];
