import { join } from 'node:path';
import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import {
  type AnyStrategy,
  adamw,
  batches,
  type FineTuneOptions,
  fineTune,
  isPeftError,
  regression,
  type TrainingState,
  type TrainingStore,
} from '@peft/core';
import { requireSameSnapshot, toyData, toyModel } from '@peft/core/testing';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { trainingDirectory } from './trainingDirectory.ts';

const STEPS = 9;
const budget = { initRank: 3, targetRank: 1, warmupSteps: 1 };

/** Strategies whose middle is the hardest place to stop: knots after steps 3 and 6, ranks that fall at every step. */
const strategies: Readonly<Record<string, () => AnyStrategy>> = {
  'a chain of lora': () => cola(lora({ rank: 2, dropout: 0.1 }), { links: 3 }),
  adalora: () => adalora({ ...budget, finalSteps: 3 }),
  'a chain of adalora': () => cola(adalora({ ...budget, warmupSteps: 0, finalSteps: 1 }), { links: 3 }),
  dora: () => lora({ rank: 2, dora: true }),
};

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function optionsOf(strategy: AnyStrategy): FineTuneOptions {
  return {
    strategy,
    targets: ['query', 'head'],
    bias: 'adapted',
    loss: regression(),
    data: batches(toyData(), { batchSize: 5 }),
    steps: STEPS,
    optimizer: adamw({ weightDecay: 0.01 }),
    schedule: (step, total) => 0.02 * (1 - step / (2 * total)),
    seed: 5,
    progress: false,
    onWarning: () => {},
  };
}

/** The state at the end of a run. */
async function finalState(options: FineTuneOptions): Promise<TrainingState> {
  const run = fineTune(toyModel(), options);
  const result = await run.result;
  const state = await run.state();
  result.dispose();
  return state;
}

class Killed extends Error {}

function expectSame(resumed: TrainingState, whole: TrainingState, what: string): void {
  requireSameSnapshot(resumed.tensors, whole.tensors, { what });
  expect({ ...resumed, tensors: {} }, what).toEqual({ ...whole, tensors: {} });
}

describe.each(Object.keys(strategies))('a run of %s', (name) => {
  const make = strategies[name] as () => AnyStrategy;

  it('killed at any step and resumed from its directory ends bit-equal', async () => {
    const whole = await finalState(optionsOf(make()));
    const resumedFrom: number[] = [];
    await withTemporaryFolder(async (folder) => {
      for (let killedAt = 1; killedAt <= STEPS; killedAt++) {
        const store = trainingDirectory(join(folder, String(killedAt)));
        const onEvent = ({ type, step }: { readonly type: string; readonly step: number }) => {
          if (type === 'step' && step === killedAt) throw new Killed();
        };
        const killed = finalState({ ...optionsOf(make()), checkpoints: { store, every: 2 }, onEvent });
        await expect(killed).rejects.toThrow(Killed);
        const resume = await store.load();
        resumedFrom.push(resume?.step ?? 0);
        const resumed = await finalState({ ...optionsOf(make()), resume, checkpoints: { store, every: 2 } });
        expectSame(resumed, whole, `killed at step ${killedAt}`);
        expectSame((await store.load()) as TrainingState, whole, `the last save after step ${killedAt}`);
      }
    });
    // Saves follow the report of a step, so that of the step it died at is not written.
    expect(resumedFrom).toEqual([0, 0, 2, 2, 4, 4, 6, 6, 8]);
  });
});

it('a run whose disk fills up at any save resumes from the one before, bit-equal', async () => {
  const make = strategies['a chain of lora'] as () => AnyStrategy;
  const whole = await finalState(optionsOf(make()));
  await withTemporaryFolder(async (folder) => {
    for (let failing = 1; failing <= STEPS; failing += 2) {
      const store = trainingDirectory(join(folder, String(failing)));
      const checkpoints = { store: failsAt(failing, store), every: 1, onFailure: 'stop' } as const;
      const run = finalState({ ...optionsOf(make()), checkpoints });
      await expect(run).rejects.toThrow('the disk is full');
      const resume = await store.load();
      expect(resume?.step ?? 0).toBe(failing - 1);
      expectSame(await finalState({ ...optionsOf(make()), resume }), whole, `save ${failing} failed`);
    }
  });
});

it('goes on from the best state so far and stops early at the same step', async () => {
  const evaluated = (): FineTuneOptions => ({
    ...optionsOf(lora({ rank: 2 })),
    schedule: (step) => (step < 4 ? 0.05 : 0.6),
    evaluation: { data: batches(toyData(3), { batchSize: 12, shuffle: false }), every: 1 },
    earlyStopping: { patience: 3 },
  });
  const whole = await finalState(evaluated());
  expect(whole.best?.tensors).toBeDefined();
  expect(whole.step).toBeLessThan(STEPS);
  await withTemporaryFolder(async (folder) => {
    const saved = trainingDirectory(folder, { keep: STEPS });
    const killed = finalState({
      ...evaluated(),
      checkpoints: { store: saved, every: 1 },
      onEvent: ({ type, step }) => {
        if (type === 'save' && step === whole.step - 1) throw new Killed();
      },
    });
    await expect(killed).rejects.toThrow(Killed);
    const resumed = await finalState({ ...evaluated(), resume: await saved.load() });
    expectSame(resumed, whole, 'resumed one step before it stops');
  });
});

it('refuses to resume another run, with every difference', async () => {
  await withTemporaryFolder(async (folder) => {
    const store = trainingDirectory(folder);
    await finalState({ ...optionsOf(lora({ rank: 2 })), checkpoints: { store, every: 5 } });
    const resume = await store.load();
    const other = { ...optionsOf(lora({ rank: 2, dora: true })), seed: 6, steps: 12, targets: ['query'], resume };
    const error = await finalState(other).catch((reason: unknown) => reason);
    if (!isPeftError(error)) throw error;
    expect(`${error.code}: ${error.message}`).toMatchInlineSnapshot(
      `"resume/mismatch: the training state of step 9 belongs to another run: strategy was lora, now dora; seed was 5, now 6; totalSteps was 9, now 12; targets were head, layer.0.query, layer.1.query, now layer.0.query, layer.1.query; strategy.dora was false, now true; trained was [head.bias, layer.0.query.bias, layer.1.query.bias], now [layer.0.query.bias, layer.1.query.bias]. Resume with the settings of the save, or start anew without it."`,
    );
    const elsewhere = fineTune(toyModel(2), { ...optionsOf(lora({ rank: 2 })), resume });
    const foreign = await elsewhere.result.catch((reason: unknown) => reason);
    if (!isPeftError(foreign)) throw foreign;
    expect(`${foreign.code}: ${foreign.message}`).toMatchInlineSnapshot(
      `"resume/mismatch: the training state of step 9 belongs to another run: fingerprint was 3ae3c7017fd7ace6, now f02b2bb79e221410. Resume with the settings of the save, or start anew without it."`,
    );
  });
});

function failsAt(count: number, store: TrainingStore): TrainingStore {
  let saves = 0;
  return {
    load: () => store.load(),
    async save(state) {
      saves += 1;
      if (saves === count) throw new Error('the disk is full');
      await store.save(state);
    },
  };
}
