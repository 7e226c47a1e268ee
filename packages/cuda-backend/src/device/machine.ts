import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What a search for libraries sees of the machine that it runs on. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  exists(path: string): boolean;
  /** Names in a folder; none where it cannot be read. */
  list(folder: string): readonly string[];
  join(...parts: readonly string[]): string;
  dirname(path: string): string;
  /** Folders from which the first Python interpreter on the path imports. */
  pythonFolders(): readonly string[];
}

/** The machine of this process. */
export const thisMachine: Machine = {
  platform: process.platform,
  arch: process.arch,
  environment: process.env,
  exists: existsSync,
  list(folder) {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  },
  join,
  dirname,
  pythonFolders: () => {
    pythonFolders ??= askPython();
    return pythonFolders;
  },
};

let pythonFolders: readonly string[] | undefined;

function askPython(): readonly string[] {
  const interpreter = process.platform === 'win32' ? 'python' : 'python3';
  try {
    const output = execFileSync(interpreter, ['-c', 'import json, sys; print(json.dumps(sys.path))'], {
      encoding: 'utf8',
      timeout: 10_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return (JSON.parse(output) as string[]).filter((folder) => /(site|dist)-packages$/.test(folder));
  } catch {
    return [];
  }
}
