// pnpm --filter @peft/cuda-backend run images [--nvrtc <file>] [--all]
// Compiles the files of kernels for the shipped architectures, those whose text changed or all, and writes
// kernels/images. Wants the NVRTC of CUDA 12, so that drivers of CUDA 12 load the images; no GPU.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { brotliCompressSync, constants } from 'node:zlib';
import { describeSearch } from '../src/device/findLibrary.ts';
import { kernelFiles, kernelText } from '../src/device/kernelSource.ts';
import { usualOptions } from '../src/device/nvrtcCompiler.ts';
import { openCompiler } from '../src/device/openCompiler.ts';
import {
  imageFolder,
  imagePath,
  readManifest,
  type ShippedFile,
  sha256,
  shippedArchitectures,
} from '../src/device/shippedImages.ts';
import { type CompiledText, compileTexts } from './compileTexts.ts';
import { type KernelFigures, spillLines } from './kernelFigures.ts';

const { values } = parseArgs({ options: { nvrtc: { type: 'string' }, all: { type: 'boolean' } } });
const { compiler, library } = await openCompiler({ library: values.nvrtc, cudaMajor: 12 });
if (compiler === undefined) throw new Error(describeSearch(library));
const options = usualOptions.join(' ');

const manifest = readManifest();
const isCurrent = manifest.compiler === compiler.version && manifest.options === options && !values.all;
const files: Record<string, ShippedFile> = {};
const figuresPath = join(imageFolder, 'figures.json');
type Figures = Record<string, Record<string, Record<string, KernelFigures>>>;
const figures: Figures = {};
const known: Figures = existsSync(figuresPath) ? JSON.parse(readFileSync(figuresPath, 'utf8')) : {};

mkdirSync(imageFolder, { recursive: true });
const texts = kernelFiles().flatMap((file) => {
  const text = kernelText(file);
  const made = isCurrent ? manifest.files[file] : undefined;
  const isMade = (architecture: number) =>
    made?.text === sha256(text) && existsSync(imagePath(file, architecture)) && made.images[architecture] !== undefined;
  if (made !== undefined && shippedArchitectures.every(isMade)) {
    files[file] = made;
    figures[file] = known[file] ?? {};
    return [];
  }
  return shippedArchitectures.map((architecture) => ({ file, text, architecture }));
});

function keep({ file, text, architecture, image, figures: ofKernels }: CompiledText): void {
  const compressed = brotliCompressSync(image, {
    params: { [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS },
  });
  writeFileSync(imagePath(file, architecture), compressed);
  const entry = { sha256: sha256(image), bytes: image.length };
  files[file] = { text: sha256(text), images: { ...files[file]?.images, [architecture]: entry } };
  figures[file] = { ...figures[file], [architecture]: ofKernels };
}

const writeJson = (path: string, content: object) => writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`);
const sorted = <Value>(record: Readonly<Record<string, Value>>) =>
  Object.fromEntries(Object.entries(record).sort(([left], [right]) => (left < right ? -1 : 1)));

try {
  await compileTexts(compiler, texts, keep);
} finally {
  const wanted = Object.keys(files).flatMap((file) => shippedArchitectures.map((each) => imagePath(file, each)));
  for (const name of readdirSync(imageFolder)) {
    const path = join(imageFolder, name);
    if (name.endsWith('.br') && !wanted.includes(path)) rmSync(path);
  }
  writeJson(join(imageFolder, 'manifest.json'), { compiler: compiler.version, options, files: sorted(files) });
  writeJson(figuresPath, sorted(figures));
}
console.log(`${compiler.version}: ${Object.keys(files).length} files of kernels, ${texts.length} images made anew`);
const spills = spillLines(figures);
if (spills.length > 0) console.log(`kernels that spill registers:\n${spills.join('\n')}`);
