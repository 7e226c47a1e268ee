import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { loadKoffi } from '../device/loadKoffi.ts';
import { type Machine, thisMachine } from '../device/machine.ts';
import { openLibrary, type SharedLibrary } from './openLibrary.ts';
import { type RunProgram, runProgram } from './runProgram.ts';

/** What is asked of the machine to find out whether TensorFlow can compute on its GPU. */
export interface TfjsMachine extends Machine {
  /** `v20.19.0`. */
  readonly nodeVersion: string;
  /** Highest version of Node-API. */
  readonly nodeApi: number;
  readonly nodePath: string;
  /** The text of a file, or undefined where there is none. */
  read(path: string): string | undefined;
  /** Opens a shared library as the loader finds it, by its name or path; undefined where it does not load. */
  open(library: string): SharedLibrary | undefined;
  /** The path of a file of an installed package, as seen from this package or from the working directory. */
  resolve(file: string): string | undefined;
  readonly run: RunProgram;
}

/** The machine that this process runs on. @throws CudaError `cuda/koffi` */
export async function thisTfjsMachine(): Promise<TfjsMachine> {
  const koffi = await loadKoffi();
  return {
    ...thisMachine,
    nodeVersion: process.version,
    nodeApi: Number(process.versions.napi),
    nodePath: process.execPath,
    read(path) {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
    },
    open: (library) => openLibrary(koffi, library),
    resolve(file) {
      for (const from of [import.meta.url, `${process.cwd()}/package.json`]) {
        try {
          return createRequire(from).resolve(file);
        } catch {
          // Not installed there.
        }
      }
      return undefined;
    },
    run: runProgram,
  };
}
