import { isPeftError, PeftError, type TrainingState, type TrainingStore } from '@peft/core';
import type { FileSystem } from '../atomic/fileSystem.ts';
import { systemCode } from '../atomic/writeError.ts';
import { isKeep, keepProblem, listSaves, numberOf, writeSave } from '../atomic/writeSave.ts';
import { nodeModule } from '../nodeModule.ts';
import { openFolder } from '../openFolder.ts';
import { problemList } from '../problemList.ts';
import { continues } from './continues.ts';
import { readStateFiles, stateFiles } from './stateFiles.ts';

export interface TrainingDirectoryOptions {
  /** How many saves stay; 2 when left out. */
  readonly keep?: number;
  /** `skip` loads the newest save that can be read, with a warning; `refuse`, the default, reports a damaged newest one. */
  readonly damaged?: 'refuse' | 'skip';
  readonly onWarning?: (warning: string) => void;
  readonly fileSystem?: FileSystem;
}

/** Failures of this moment, which say nothing of the save: the next try may read it. */
const passing = ['EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'ENOMEM'];

/**
 * Keeps the states of one run in a directory: each save is a folder of its own, visible complete by one rename after
 * the disk holds it, the last two kept. `load` throws `checkpoint/damaged-save`, which names the save before it,
 * `checkpoint/state-version` and `checkpoint/unreadable`; `save` throws `checkpoint/two-writers` and the codes of
 * `writeSave`, and earlier saves stay. Throws `checkpoint/options` for options of other names or values.
 */
export function trainingDirectory(path: string, options: TrainingDirectoryOptions = {}): TrainingStore {
  checkOptions(path, options);
  const { keep = 2, damaged = 'refuse', onWarning = console.warn, fileSystem } = options;
  /** The number of the newest save that this store knows of; undefined before it has looked. */
  let known: number | undefined;
  /** Saves of another run, which this one does not remove; undefined before the first save. */
  let spare: ReadonlySet<string> | undefined;

  const foreignTo = async (state: TrainingState, saves: readonly string[]) => {
    const foreign: string[] = [];
    for (const name of saves) if (!(await continues(join(path, name), state))) foreign.push(name);
    return new Set(foreign);
  };

  const warnOf = (newest: string) =>
    onWarning(
      `${path} holds saves that this run did not begin from, the newest is ${newest}; they stay, and from now on load() gives this run's. Pass what load() gives as resume to go on from a save, or give each run a directory of its own.`,
    );

  return {
    async save(state) {
      const saves = await listSaves(path, fileSystem);
      if (known !== undefined && newestOf(saves) > known) throw twoWriters(path, saves);
      spare ??= await foreignTo(state, saves);
      const [newest] = saves;
      if (known === undefined && newest !== undefined && spare.has(newest)) warnOf(newest);
      const written = await writeSave(path, stateFiles(state), { keep, spare, ...(fileSystem && { fileSystem }) });
      known = numberOf(nodeModule('node:path').basename(written));
    },
    async load() {
      const { state, saves } = await loadNewest(path, { damaged, onWarning, fileSystem });
      known = newestOf(saves);
      return state;
    },
  };
}

type LoadOptions = Required<Pick<TrainingDirectoryOptions, 'damaged' | 'onWarning'>> &
  Pick<TrainingDirectoryOptions, 'fileSystem'>;

type Loaded = { readonly state: TrainingState | undefined; readonly saves: readonly string[] };

async function loadNewest(path: string, options: LoadOptions): Promise<Loaded> {
  const { damaged, onWarning, fileSystem } = options;
  const failures: { readonly name: string; readonly error: PeftError }[] = [];
  const saves = await listSaves(path, fileSystem);
  for (const name of saves) {
    try {
      return { state: await readStateFiles(openFolder(join(path, name))), saves };
    } catch (error) {
      // A writer at work removes old saves; it has a newer one then.
      if (!(await listSaves(path, fileSystem)).includes(name)) return loadNewest(path, options);
      if (!isPeftError(error) || isPassing(error)) throw error;
      if (damaged === 'refuse') throw damagedSave(path, { cause: error, saves });
      onWarning(`${path}: ${name} is damaged and skipped: ${error.message}`);
      failures.push({ name, error });
    }
  }
  if (failures.length === 0) return { state: undefined, saves };
  throw new PeftError(
    'checkpoint/damaged-save',
    `${path}: no save can be read, so there is nothing to go on from; start anew elsewhere:${problemList(failures.map(({ name, error }) => `${name}: ${error.message}`))}`,
  );
}

function isPassing({ code, cause }: PeftError): boolean {
  if (code === 'checkpoint/state-version' || code === 'checkpoint/changed') return true;
  return code === 'checkpoint/unreadable' && passing.includes(systemCode(cause) ?? '');
}

function damagedSave(
  path: string,
  { cause, saves: [name, before] }: { readonly cause: PeftError; readonly saves: readonly string[] },
): PeftError {
  const remedy = before
    ? `Before it there is ${before}; pass damaged: "skip" to go on from there, or remove ${name}`
    : 'There is none before it; remove it and start anew';
  return new PeftError(
    'checkpoint/damaged-save',
    `${path}: the newest save, ${name}, cannot be read. ${remedy}. The reason: ${cause.message}`,
    { cause },
  );
}

function twoWriters(path: string, [newest]: readonly string[]): PeftError {
  return new PeftError(
    'checkpoint/two-writers',
    `${path} holds ${newest}, which this run did not write: another process saves there too; nothing was saved and its saves are untouched; end one of the two, or give each run a directory of its own.`,
  );
}

function checkOptions(path: unknown, options: TrainingDirectoryOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new PeftError(
      'checkpoint/options',
      `trainingDirectory: options are ${JSON.stringify(options)}; pass an object such as { keep: 2 }, or leave them out.`,
    );
  }
  const known = ['keep', 'damaged', 'onWarning', 'fileSystem'];
  const { keep = 2, damaged = 'refuse', onWarning = console.warn } = options;
  const problems = [
    ...(typeof path === 'string' && path !== '' ? [] : [`path is ${JSON.stringify(path)}; pass the path of a folder`]),
    ...Object.keys(options)
      .filter((name) => !known.includes(name))
      .map((name) => `${JSON.stringify(name)} is no option; the options are ${known.join(', ')}`),
    ...(isKeep(keep) ? [] : [keepProblem(keep)]),
    ...(['refuse', 'skip'].includes(damaged)
      ? []
      : [`damaged is ${JSON.stringify(damaged)}; it must be "refuse" or "skip"`]),
    ...(typeof onWarning === 'function' ? [] : ['onWarning is no function; leave it out to have console.warn']),
  ];
  if (problems.length > 0) throw new PeftError('checkpoint/options', `trainingDirectory:${problemList(problems)}`);
}

function newestOf([newest]: readonly string[]): number {
  return newest === undefined ? 0 : numberOf(newest);
}

function join(path: string, name: string): string {
  return nodeModule('node:path').join(path, name);
}
