import type { KoffiModule } from '../device/loadKoffi.ts';

/** A shared library that the loader found. */
export interface SharedLibrary {
  /** The version that a function gives, as its result or through a pointer; undefined where it is missing or fails. */
  version(name: string, given: 'result' | 'pointer'): number | undefined;
}

/** Opens a shared library by its name or path; undefined where the loader does not find it or what it needs. */
export function openLibrary(koffi: KoffiModule, nameOrPath: string): SharedLibrary | undefined {
  let library: ReturnType<KoffiModule['load']>;
  try {
    library = koffi.load(nameOrPath, { lazy: true });
  } catch {
    return undefined;
  }
  return {
    version(name, given) {
      try {
        if (given === 'result') return Number(library.func(name, 'size_t', [])());
        const number = new Int32Array(1);
        return library.func(name, 'int', ['void*'])(number) === 0 ? number[0] : undefined;
      } catch {
        return undefined;
      }
    },
  };
}
