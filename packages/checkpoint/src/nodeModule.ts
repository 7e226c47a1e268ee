import { PeftError } from '@peft/core';

type NodeModules = {
  readonly 'node:fs/promises': typeof import('node:fs/promises');
  readonly 'node:os': typeof import('node:os');
  readonly 'node:path': typeof import('node:path');
  readonly 'node:worker_threads': typeof import('node:worker_threads');
};

/**
 * A module of Node's own, taken at the moment of use and out of sight of bundlers, so that this package loads in a
 * browser. Throws `checkpoint/no-file-system` where there is none.
 */
export function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] {
  const found = globalThis.process?.getBuiltinModule?.(name);
  if (found === undefined) {
    throw new PeftError(
      'checkpoint/no-file-system',
      'a path was given, and there is no file system here; pass the files themselves, as an object of Blobs by file name.',
    );
  }
  return found as NodeModules[Name];
}
