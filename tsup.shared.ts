import { defineConfig, type Options } from 'tsup';

/** ESM, CJS and their declarations. Entries of one package share chunks, so that no module of it exists twice. */
export function build(entry: Record<string, string> = { index: 'src/index.ts' }, more: Options = {}) {
  return defineConfig({
    entry,
    format: ['esm', 'cjs'],
    dts: { compilerOptions: { customConditions: [] } },
    splitting: true,
    sourcemap: true,
    clean: true,
    target: 'es2022',
    platform: 'neutral',
    external: [/^node:/, /^@peft\//, /^@tensorflow\//],
    ...more,
  });
}
