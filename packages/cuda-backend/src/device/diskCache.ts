import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface DiskCacheOptions {
  readonly folder: string;
  /** Told once, with the reason, where nothing can be kept. */
  readonly onWarning?: (message: string) => void;
}

/** Bytes kept on disk by a key: whole or not at all, checked when read. What cannot be kept is only made again. */
export class DiskCache {
  readonly #folder: string;
  #onWarning: ((message: string) => void) | undefined;

  constructor({ folder, onWarning }: DiskCacheOptions) {
    this.#folder = folder;
    this.#onWarning = onWarning;
  }

  /** Undefined where nothing was kept, or what was is damaged. */
  read(key: readonly string[]): Uint8Array | undefined {
    let bytes: Buffer;
    try {
      bytes = readFileSync(this.#pathOf(key));
    } catch {
      return undefined;
    }
    const content = bytes.subarray(digestBytes);
    return digestOf(content).equals(bytes.subarray(0, digestBytes)) ? content : undefined;
  }

  write(key: readonly string[], content: Uint8Array): void {
    const path = this.#pathOf(key);
    const unfinished = `${path}.${randomUUID()}`;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(unfinished, Buffer.concat([digestOf(content), content]), { mode: 0o600 });
      renameSync(unfinished, path);
    } catch (error) {
      removeQuietly(unfinished);
      const warn = this.#onWarning;
      this.#onWarning = undefined;
      warn?.(
        `compiled kernels cannot be kept in ${this.#folder}: ${(error as Error).message}; every process makes them again until PEFT_CUDA_CACHE names a folder that can be written.`,
      );
    }
  }

  #pathOf(key: readonly string[]): string {
    return join(this.#folder, digestOf(JSON.stringify(key)).toString('hex'));
  }
}

const digestBytes = 32;

// Where nothing can be written, nothing can be removed either, and nothing has to be.
function removeQuietly(path: string): void {
  try {
    rmSync(path);
  } catch {}
}

function digestOf(content: string | Uint8Array): Buffer {
  return createHash('sha256').update(content).digest();
}
