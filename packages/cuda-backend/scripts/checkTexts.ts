// pnpm --filter @peft/cuda-backend run compile [<folder>] [--nvrtc <file>]
// Compiles the kernels that are generated when the toy models train, or every .cu of a folder (texts after the prelude),
// for sm_80, 90 and 120; keeps nothing, and prints what spills registers. No GPU is needed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { describeSearch } from '../src/device/findLibrary.ts';
import { kernelText } from '../src/device/kernelSource.ts';
import { openCompiler } from '../src/device/openCompiler.ts';
import { generatedTexts } from '../test/recording/generatedTexts.ts';
import { compileTexts } from './compileTexts.ts';
import { type KernelFigures, spillLines } from './kernelFigures.ts';

const { values, positionals } = parseArgs({ options: { nvrtc: { type: 'string' } }, allowPositionals: true });
const [folder] = positionals;
const { compiler, library } = await openCompiler({ library: values.nvrtc });
if (compiler === undefined) throw new Error(describeSearch(library));

/** All that the compiler is given, by file. */
async function texts(): Promise<ReadonlyMap<string, string>> {
  if (folder === undefined) {
    await tf.setBackend('cpu');
    return generatedTexts();
  }
  const names = readdirSync(folder).filter((name) => name.endsWith('.cu'));
  return new Map(
    names.map((name) => {
      const file = name.slice(0, -'.cu'.length);
      return [file, kernelText(file, readFileSync(join(folder, name), 'utf8'))];
    }),
  );
}

const wanted = [...(await texts())].flatMap(([file, text]) =>
  [80, 90, 120].map((architecture) => ({ file, text, architecture })),
);
const figures: Record<string, Record<string, Readonly<Record<string, KernelFigures>>>> = {};
await compileTexts(compiler, wanted, ({ file, architecture, figures: ofKernels }) => {
  figures[file] = { ...figures[file], [architecture]: ofKernels };
});
console.log(`${compiler.version}: ${wanted.length} compilations, all fine`);
const spills = spillLines(figures);
if (spills.length > 0) console.log(`kernels that spill registers:\n${spills.join('\n')}`);
