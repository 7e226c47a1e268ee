import { OnnxError } from '../onnxError.ts';

const names: Readonly<Record<string, string>> = {
  linux: 'libonnxruntime.so.1',
  darwin: 'libonnxruntime.1.dylib',
  win32: 'onnxruntime.dll',
};

/**
 * The shared library that the installed onnxruntime-node brings for this platform.
 *
 * @throws OnnxError `onnx/library` where the package or the library is missing
 */
export async function libraryPath(): Promise<string> {
  const { createRequire } = await import('node:module');
  const { readdirSync } = await import('node:fs');
  const { dirname, join } = await import('node:path');
  const { platform, arch } = process;
  try {
    const folder = join(dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')), 'bin');
    for (const version of readdirSync(folder)) {
      const place = join(folder, version, platform, arch);
      const name = names[platform];
      if (name !== undefined && readdirSync(place).includes(name)) return join(place, name);
    }
  } catch (cause) {
    throw missing(platform, arch, cause);
  }
  throw missing(platform, arch, undefined);
}

function missing(platform: string, arch: string, cause: unknown): OnnxError {
  return new OnnxError(
    'onnx/library',
    `onnxruntime-node holds no ONNX Runtime library for ${platform} ${arch}; install it with its files whole, or choose another engine.`,
    { cause },
  );
}
