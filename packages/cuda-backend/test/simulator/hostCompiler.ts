import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));

/** Where built libraries lie, with a separator at its end. */
export const cacheFolder = fileURLToPath(new URL('../../node_modules/.cache/simulator/', import.meta.url));

export const standardFlags: readonly string[] = ['-std=c++17', '-fPIC', '-ffp-contract=off', '-g1', '-w'];

let version: string | undefined;

/** Whether this machine can build what the simulator runs: g++ on Linux. */
export function hasCompiler(): boolean {
  return compilerVersion() !== '';
}

function compilerVersion(): string {
  if (version === undefined) {
    try {
      version = process.platform === 'linux' ? execFileSync('g++', ['--version'], { encoding: 'utf8' }) : '';
    } catch {
      version = '';
    }
  }
  return version;
}

export function simulatorPath(name: string): string {
  return join(folder, name);
}

/** Text of a file of this folder. */
export function simulatorText(name: string): string {
  return readFileSync(simulatorPath(name), 'utf8');
}

export interface HostSource {
  readonly name: string;
  /** C++; includes are looked up in this folder. */
  readonly text: string;
  readonly flags?: readonly string[];
  /** Shared libraries it needs, as this function returned them. */
  readonly libraries?: readonly string[];
  /** Further files of this folder that the text includes. */
  readonly includes?: readonly string[];
}

/** Builds a shared library, or finds it as it was built before; returns its path. @throws Error with the compiler's own message */
export function compileHost({ name, text, flags = [], libraries = [], includes = [] }: HostSource): string {
  const parts = [compilerVersion(), ...standardFlags, ...flags, ...libraries.map((path) => basename(path)), text];
  const hash = createHash('sha256').update(JSON.stringify([...parts, ...includes.map(simulatorText)]));
  const file = `${name}-${hash.digest('hex').slice(0, 24)}.so`;
  const path = join(cacheFolder, file);
  if (existsSync(path)) return path;
  mkdirSync(cacheFolder, { recursive: true });
  const unfinished = join(cacheFolder, `${file}.${process.pid}`);
  writeFileSync(`${unfinished}.cpp`, text);
  try {
    // Two steps: the second brings no library of the sanitizers, which the runtime stands in for.
    const run = (...given: readonly string[]) => execFileSync('g++', given, { encoding: 'utf8', stdio: 'pipe' });
    run(...standardFlags, ...flags, `-I${folder}`, '-c', `${unfinished}.cpp`, '-o', `${unfinished}.o`);
    const link = ['-shared', '-Wl,-z,defs', `-Wl,-soname,${file}`, '-Wl,-rpath,$ORIGIN', `-L${cacheFolder}`];
    const needed = libraries.map((library) => `-l:${basename(library)}`);
    run(`${unfinished}.o`, '-o', unfinished, ...link, ...needed, '-ldl', '-lpthread');
    renameSync(unfinished, path);
  } catch (cause) {
    throw new Error(`g++ does not compile ${name}:\n${(cause as { stderr?: string }).stderr}`, { cause });
  } finally {
    for (const end of ['.cpp', '.o', '']) rmSync(`${unfinished}${end}`, { force: true });
  }
  return path;
}
