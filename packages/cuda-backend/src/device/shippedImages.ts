import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { CudaError } from '../cudaError.ts';
import { kernelFolder } from './kernelSource.ts';

/** One image that the package brings: a cubin, compressed. */
export interface ShippedImage {
  /** SHA-256 of the cubin. */
  readonly sha256: string;
  readonly bytes: number;
}

/** What `kernels/images/manifest.json` says of the images beside it; the `images` script writes it. */
export interface ImageManifest {
  /** What made them: `NVRTC 12.9`. */
  readonly compiler: string;
  /** The options of every compilation but the architecture. */
  readonly options: string;
  readonly files: Readonly<Record<string, ShippedFile>>;
}

export interface ShippedFile {
  /** SHA-256 of the text from which the images were made. */
  readonly text: string;
  /** By compute capability: `90`. */
  readonly images: Readonly<Record<string, ShippedImage>>;
}

/** The architectures for which images are made. */
export const shippedArchitectures: readonly number[] = [80, 90, 100, 120];

export const imageFolder: string = join(kernelFolder, 'images');

/** Where the image of a file of kernels lies. */
export function imagePath(file: string, architecture: number): string {
  return join(imageFolder, `${file}.${architecture}.cubin.br`);
}

/** SHA-256 in hexadecimal digits. */
export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** The manifest of the package; without a file where none was made. */
export function readManifest(): ImageManifest {
  try {
    return JSON.parse(readFileSync(join(imageFolder, 'manifest.json'), 'utf8')) as ImageManifest;
  } catch {
    return { compiler: 'none', options: '', files: {} };
  }
}

/** The shipped architecture whose code runs on a device: that of its generation that is nearest below. */
export function servingArchitecture(architecture: number): number | undefined {
  return shippedArchitectures.findLast(
    (each) => each <= architecture && Math.floor(each / 10) === Math.floor(architecture / 10),
  );
}

/** Reads an image. @throws CudaError `cuda/kernel` where it is missing or damaged */
export function readShipped(file: string, architecture: number, { sha256: wanted }: ShippedImage): Uint8Array {
  const path = imagePath(file, architecture);
  let image: Uint8Array;
  try {
    image = brotliDecompressSync(readFileSync(path));
  } catch (cause) {
    throw damaged(path, cause);
  }
  if (sha256(image) !== wanted) throw damaged(path, undefined);
  return image;
}

function damaged(path: string, cause: unknown): CudaError {
  return new CudaError(
    'cuda/kernel',
    `the compiled kernels at ${path} are missing or damaged; install @peft/cuda-backend with its files whole.`,
    { cause },
  );
}
