import { writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type AnyStrategy, type Engine, fineTune, leavesOf } from '@peft/core';
import { toyModel } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import { trainingDirectory } from '../../src/index.ts';
import {
  type Death,
  deadlyFileSystem,
  Reaper,
  watchedData,
  watchedLoss,
  watchedStrategy,
  watchReads,
} from './places.ts';
import { recipes } from './recipes.ts';

/** What a process is told: which run, where its saves are, what runs its steps, and where it is to die. */
export type Order = {
  readonly recipe: string;
  readonly folder: string;
  readonly engine?: string;
  readonly death?: Death;
};

/** Resumes a run from its folder and trains to the end or to death; every line it says is out before it goes on. */
export async function train({ recipe, folder, engine, death }: Order): Promise<void> {
  const say = (line: string) => writeSync(1, `${line}\n`);
  const make = recipes[recipe];
  if (!make) throw new Error(`no recipe is called ${recipe}`);
  const { options, every, keep } = make();
  const reaper = new Reaper(death);
  const store = trainingDirectory(join(folder, 'saves'), {
    keep,
    onWarning: (warning) => say(`warning ${warning}`),
    fileSystem: deadlyFileSystem(reaper),
  });
  let isReplay = true;
  say('phase load');
  const unwatch = watchReads(reaper);
  const resume = await store.load();
  unwatch();
  say(`resumed ${resume?.step ?? 0}`);
  say('phase replay');
  const { evaluation } = options;
  const run = fineTune(toyModel(), {
    ...options,
    strategy: watchedStrategy(options.strategy as AnyStrategy, () => isReplay, reaper),
    loss: watchedLoss(options.loss, reaper),
    ...(evaluation && { evaluation: { ...evaluation, data: watchedData(evaluation.data, reaper) } }),
    checkpoints: {
      store: {
        load: () => store.load(),
        async save(state) {
          say('phase save');
          await store.save(state);
        },
      },
      every,
    },
    resume,
    ...(engine && { engine: await engineOf(engine) }),
    onWarning: (warning) => say(`warning ${warning}`),
    onEvent: (event) => {
      isReplay = false;
      say('phase step');
      say(`event ${JSON.stringify({ ...event, seconds: undefined })}`);
    },
  });
  const { adapter, reason, step, evaluation: last, dispose } = await run.result;
  const state = await run.state();
  const values = leavesOf({ params: adapter.adapter.params, trained: adapter.trained }).map(([path, leaf]) => [
    path,
    { shape: leaf.shape, data: leaf.dataSync() },
  ]);
  dispose();
  const result = { adapter: Object.fromEntries(values), reason, step, evaluation: last };
  writeFileSync(join(folder, 'end.json'), JSON.stringify({ result, state }, asPlain));
  say('end');
}

/** An engine by `path of a module:name of what makes it`. */
async function engineOf(name: string): Promise<Engine> {
  const at = name.lastIndexOf(':');
  const module = await import(/* @vite-ignore */ name.slice(0, at));
  return module[name.slice(at + 1)]();
}

/** Arrays as lists of numbers, which JSON gives back to the bit, and the numbers it has no form for by name. */
function asPlain(_key: string, value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>);
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) return `${value} ${1 / value}`;
  return value;
}

/** The backend that every process trains on. */
export async function prepare(): Promise<void> {
  await tf.setBackend('cpu');
}
