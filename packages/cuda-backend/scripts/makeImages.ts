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
import { type CompiledText, compileTexts, type TextToCompile } from './compileTexts.ts';
import { type KernelFigures, spillLines } from './kernelFigures.ts';

const { values } = parseArgs({ options: { nvrtc: { type: 'string' }, all: { type: 'boolean' } } });
const { compiler, library } = await openCompiler({ library: values.nvrtc, cudaMajor: 12 });
if (compiler === undefined) throw new Error(describeSearch(library));
const options = usualOptions.join(' ');

type Figures = Record<string, Record<string, Readonly<Record<string, KernelFigures>>>>;
const figuresPath = join(imageFolder, 'figures.json');
const known = readManifest();
const knownFigures: Figures = existsSync(figuresPath) ? JSON.parse(readFileSync(figuresPath, 'utf8')) : {};
const isCurrent = known.compiler === compiler.version && known.options === options && !values.all;

const files: Record<string, ShippedFile> = {};
const figures: Figures = {};
const texts: TextToCompile[] = [];
for (const file of kernelFiles()) {
  const text = kernelText(file);
  const made = isCurrent && known.files[file]?.text === sha256(text) ? known.files[file].images : {};
  const images = Object.fromEntries(
    Object.entries(made).filter(([architecture]) => existsSync(imagePath(file, Number(architecture)))),
  );
  files[file] = { text: sha256(text), images };
  figures[file] = Object.keys(images).length > 0 ? { ...knownFigures[file] } : {};
  for (const architecture of shippedArchitectures) {
    if (!(architecture in images)) texts.push({ file, text, architecture });
  }
}

/** Files and architectures in one order, whichever was compiled first. */
function sorted<Value>(record: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).sort(([left], [right]) => (left < right ? -1 : 1)));
}

function writeJson(path: string, content: object): void {
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`);
}

// After every image, so that a run that is interrupted goes on where it was.
function writeRecords(): void {
  writeJson(join(imageFolder, 'manifest.json'), { compiler: compiler?.version, options, files: sorted(files) });
  writeJson(figuresPath, sorted(figures));
}

function keep({ file, text, architecture, image, figures: ofKernels }: CompiledText): void {
  const params = { [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS };
  writeFileSync(imagePath(file, architecture), brotliCompressSync(image, { params }));
  const entry = { sha256: sha256(image), bytes: image.length };
  files[file] = { text: sha256(text), images: { ...files[file]?.images, [architecture]: entry } };
  figures[file] = { ...figures[file], [architecture]: sorted(ofKernels) };
  writeRecords();
}

mkdirSync(imageFolder, { recursive: true });
const wanted = kernelFiles().flatMap((file) => shippedArchitectures.map((each) => imagePath(file, each)));
for (const name of readdirSync(imageFolder)) {
  const path = join(imageFolder, name);
  if (name.endsWith('.br') && !wanted.includes(path)) rmSync(path);
}
writeRecords();
await compileTexts(compiler, texts, keep);
console.log(`${compiler.version}: ${Object.keys(files).length} files of kernels, ${texts.length} images made anew`);
const spills = spillLines(figures);
if (spills.length > 0) console.log(`kernels that spill registers:\n${spills.join('\n')}`);
