import { writeSync } from 'node:fs';
import * as files from 'node:fs/promises';
import type { AnyStrategy, Data, DataSource, Loss } from '@peft/core';
import type { FileSystem, WritableFile } from '../../src/index.ts';

/** Where a process dies: at the n-th time it comes to this place, for a file operation before, amid or after it. */
export type Death = { readonly place: string; readonly at: number; readonly when: 'before' | 'amid' | 'after' };

/** The places that a process can be told to die at, and about how often a whole run comes there. */
export const deathPlaces: Readonly<Record<string, number>> = {
  step: 60,
  evaluation: 50,
  load: 60,
  replay: 6,
  'save-open': 30,
  'save-write': 500,
  'save-fsync': 60,
  'save-rename': 7,
  'old-save removal': 12,
};

/** Counts visits and kills its own process at the one it was told. */
export class Reaper {
  readonly #death: Death | undefined;
  readonly #visits = new Map<string, number>();

  constructor(death: Death | undefined) {
    this.#death = death;
  }

  visit(place: string): void {
    if (this.isDue(place)) this.kill(place);
  }

  /** Counts a visit; true if it is to be the last. */
  isDue(place: string): boolean {
    const visit = (this.#visits.get(place) ?? 0) + 1;
    this.#visits.set(place, visit);
    return this.#death?.place === place && this.#death.at === visit;
  }

  get when(): Death['when'] {
    return this.#death?.when ?? 'before';
  }

  kill(place: string): never {
    writeSync(1, `dying ${place}\n`);
    process.kill(process.pid, 'SIGKILL');
    throw new Error('a process outlived SIGKILL');
  }
}

/** Node's file system, in which the process may die before, amid or after any operation. */
export function deadlyFileSystem(reaper: Reaper): FileSystem {
  async function guarded<T>(place: string, operation: () => Promise<T>, half?: () => Promise<unknown>): Promise<T> {
    if (!reaper.isDue(place)) return operation();
    if (reaper.when === 'before') reaper.kill(place);
    if (reaper.when === 'amid' && half) await half();
    else await operation();
    return reaper.kill(place);
  }
  const isOld = (path: string) => /\.removed$/.test(path);
  return {
    link: (from, to) => guarded('save-rename', () => files.link(from, to)),
    mkdir: (path, options) => guarded('save-open', () => files.mkdir(path, options)),
    readdir: (path) => guarded('save-open', () => files.readdir(path)),
    rename: (from, to) => guarded(isOld(to) ? 'old-save removal' : 'save-rename', () => files.rename(from, to)),
    rm: (path, options) => guarded('old-save removal', () => files.rm(path, options)),
    stat: (path) => guarded('save-open', () => files.stat(path)),
    open: async (path, flags) => {
      const handle = await guarded(flags === 'r' ? 'save-fsync' : 'save-open', () => files.open(path, flags));
      const file: WritableFile = {
        write: (bytes, offset, length) =>
          guarded(
            'save-write',
            () => handle.write(bytes, offset, length),
            () => handle.write(bytes, offset, Math.floor(length / 2)),
          ),
        sync: () => guarded('save-fsync', () => handle.sync()),
        close: () => guarded('save-fsync', () => handle.close()),
      };
      return file;
    },
  };
}

/** A strategy, and its parts, whose merges before the run's start are the replay of a save. */
export function watchedStrategy(strategy: AnyStrategy, isReplay: () => boolean, reaper: Reaper): AnyStrategy {
  const { part } = strategy;
  return {
    ...strategy,
    merge(...call) {
      if (isReplay()) reaper.visit('replay');
      return strategy.merge(...call);
    },
    ...(part && {
      part(key) {
        const found = part.call(strategy, key);
        return found && watchedStrategy(found, isReplay, reaper);
      },
    }),
  };
}

/** A loss that may be the last thing a process computes. */
export function watchedLoss(loss: Loss, reaper: Reaper): Loss {
  return {
    ...loss,
    sum(output, batch) {
      reaper.visit('step');
      return loss.sum(output, batch);
    },
  };
}

/** Evaluation data of which any batch may be the last that a process reads. */
export function watchedData(data: Data, reaper: Reaper): Data {
  const source = data as DataSource;
  return {
    ...source,
    *batches(...call) {
      for (const batch of source.batches(...call) as Iterable<never>) {
        reaper.visit('evaluation');
        yield batch;
      }
    },
  };
}

/** Makes every file that this process opens from now on, as loading does, one that it may die at. */
export function watchReads(reaper: Reaper): () => void {
  const builtin = process.getBuiltinModule('node:fs/promises');
  const { open } = builtin;
  builtin.open = async (...call) => {
    reaper.visit('load');
    return open(...call);
  };
  return () => {
    builtin.open = open;
  };
}
