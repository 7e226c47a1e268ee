import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const page = (name) => join(here, 'page', name);

/** Bundles the pages as a user's bundler would, from the built packages. */
export async function bundlePages(folder) {
  await build({
    entryPoints: [page('main.ts'), page('worker.ts')],
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    logLevel: 'error',
    // The bundles of this check alone: TypeScript's paths are those of the sources.
    tsconfigRaw: {},
  });
}

const application = `
  export { fineTune } from '@peft/core';
  export { lora } from '@peft/lora';
  export { onnxEngine } from '@peft/onnx-backend';
`;

/** What a bundle of core, lora and this package for a platform is made of, and how large it is without tfjs. */
export async function bundleApplication(platform) {
  const { metafile, outputFiles } = await build({
    stdin: { contents: application, resolveDir: here },
    outdir: 'out',
    write: false,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform,
    // Its imports inside functions are looked at too, not followed: they are there to be found, not to be resolved.
    external: ['@tensorflow/tfjs', ...(platform === 'node' ? ['onnxruntime-node', 'koffi'] : [])],
    metafile: true,
    logLevel: 'error',
    tsconfigRaw: {},
  });
  const outside = Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.filter(({ external }) => external).map(({ path }) => path),
  );
  return {
    inputs: Object.keys(metafile.inputs),
    outside: [...new Set(outside)].filter((path) => path !== '@tensorflow/tfjs'),
    bytes: outputFiles.reduce((sum, { contents }) => sum + contents.length, 0),
  };
}

/** What must not be in a bundle for browsers, and in one for Node. */
export function strangers({ inputs, outside }, platform) {
  const packages = platform === 'browser' ? /koffi|onnxruntime-node/ : /onnxruntime-web/;
  const found = [...inputs, ...outside].filter((path) => packages.test(path));
  return platform === 'browser' ? [...found, ...outside.filter((path) => isBuiltin(path))] : found;
}
