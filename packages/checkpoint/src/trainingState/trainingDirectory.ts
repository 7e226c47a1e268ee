import { isPeftError, PeftError, type TrainingState, type TrainingStore } from '@peft/core';
import type { FileSystem } from '../atomic/fileSystem.ts';
import { listSaves, writeSave } from '../atomic/writeSave.ts';
import { nodeModule } from '../nodeModule.ts';
import { openFolder } from '../openFolder.ts';
import { problemList } from '../problemList.ts';
import { readStateFiles, stateFiles } from './stateFiles.ts';

export interface TrainingDirectoryOptions {
  /** How many saves stay; 2 when left out. */
  readonly keep?: number;
  /** `skip` loads the newest save that can be read, with a warning; `refuse`, the default, reports a damaged newest one. */
  readonly damaged?: 'refuse' | 'skip';
  readonly onWarning?: (warning: string) => void;
  readonly fileSystem?: FileSystem;
}

/**
 * Keeps the states of one run in a directory: each save is a folder of its own, visible complete by one rename after
 * the disk holds it, the last two kept. `load` throws `checkpoint/damaged-save`, which names the save before it,
 * and `checkpoint/state-version`; `save` throws the codes of `writeSave`, and earlier saves stay.
 */
export function trainingDirectory(path: string, options: TrainingDirectoryOptions = {}): TrainingStore {
  const { keep = 2, damaged = 'refuse', onWarning = console.warn, fileSystem } = options;
  return {
    async save(state) {
      await writeSave(path, stateFiles(state), { keep, ...(fileSystem && { fileSystem }) });
    },
    async load() {
      const failures: { readonly name: string; readonly error: PeftError }[] = [];
      const saves = await listSaves(path, fileSystem);
      for (const name of saves) {
        try {
          return await readSave(path, name);
        } catch (error) {
          if (!isPeftError(error) || error.code === 'checkpoint/state-version') throw error;
          if (damaged === 'refuse') throw damagedSave(error, saves);
          onWarning(`${path}: ${name} is damaged and skipped: ${error.message}`);
          failures.push({ name, error });
        }
      }
      if (failures.length === 0) return undefined;
      throw new PeftError(
        'checkpoint/damaged-save',
        `${path}: no save can be read, so there is nothing to go on from; start anew elsewhere:${problemList(failures.map(({ name, error }) => `${name}: ${error.message}`))}`,
      );
    },
  };
}

async function readSave(path: string, name: string): Promise<TrainingState> {
  return readStateFiles(openFolder(nodeModule('node:path').join(path, name)));
}

function damagedSave(cause: PeftError, [name, before]: readonly string[]): PeftError {
  const remedy = before
    ? `Before it there is ${before}; pass damaged: "skip" to go on from there, or remove ${name}`
    : 'There is none before it; remove it and start anew';
  return new PeftError(
    'checkpoint/damaged-save',
    `the newest save, ${name}, cannot be read. ${remedy}. The reason: ${cause.message}`,
    { cause },
  );
}
