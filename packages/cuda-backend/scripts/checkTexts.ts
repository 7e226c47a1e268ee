// pnpm --filter @peft/cuda-backend run compile <folder> [--nvrtc <file>]
// Compiles every .cu of a folder (texts after the prelude, as generated kernels are) for sm_80, 90 and 120, keeps
// nothing, and prints what spills registers. No GPU is needed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeSearch } from '../src/device/findLibrary.ts';
import { kernelText } from '../src/device/kernelSource.ts';
import { openCompiler } from '../src/device/openCompiler.ts';
import { compileTexts } from './compileTexts.ts';
import { type KernelFigures, spillLines } from './kernelFigures.ts';

const { values, positionals } = parseArgs({ options: { nvrtc: { type: 'string' } }, allowPositionals: true });
const [folder] = positionals;
if (folder === undefined) throw new Error('Name the folder of the texts: pnpm run compile <folder>.');
const { compiler, library } = await openCompiler({ library: values.nvrtc });
if (compiler === undefined) throw new Error(describeSearch(library));

const texts = readdirSync(folder)
  .filter((name) => name.endsWith('.cu'))
  .flatMap((name) => {
    const file = name.slice(0, -'.cu'.length);
    const text = kernelText(file, readFileSync(join(folder, name), 'utf8'));
    return [80, 90, 120].map((architecture) => ({ file, text, architecture }));
  });
const figures: Record<string, Record<string, Readonly<Record<string, KernelFigures>>>> = {};
await compileTexts(compiler, texts, ({ file, architecture, figures: ofKernels }) => {
  figures[file] = { ...figures[file], [architecture]: ofKernels };
});
console.log(`${compiler.version}: ${texts.length} compilations, all fine`);
const spills = spillLines(figures);
if (spills.length > 0) console.log(`kernels that spill registers:\n${spills.join('\n')}`);
