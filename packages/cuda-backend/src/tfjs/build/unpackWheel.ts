import { basename } from 'node:path';
import { CudaError } from '../../cudaError.ts';
import { extractZip, readZip } from './zipArchive.ts';

// Headers, libraries and descriptions; the Python in a wheel stays where it is.
const wanted =
  /^(tensorflow\/(include\/|libtensorflow_\w+\.so\.2$|python\/platform\/build_info\.py$)|nvidia\/\w+\/lib\/|[^/]+\.dist-info\/METADATA$)/;

/** Unpacks what an addon needs of a wheel into a folder. @throws CudaError `cuda/tfjs-build` for a damaged wheel */
export async function unpackWheel(wheel: string, folder: string): Promise<void> {
  try {
    const entries = await readZip(wheel);
    for (const entry of entries) {
      if (wanted.test(entry.name) && !entry.name.endsWith('/')) await extractZip(wheel, entry, folder);
    }
  } catch (cause) {
    throw new CudaError(
      'cuda/tfjs-build',
      `build-tfjs: the wheel ${basename(wheel)} cannot be unpacked: ${(cause as Error).message}; download it again.`,
      { cause },
    );
  }
}
