import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { withKnots } from '../../test/knots.ts';
import { afterStep, finalState, startToy, toyOptions } from '../../test/toyRun.ts';
import { hostArray } from '../hostArray.ts';
import { adamw } from '../optimizers/adamw.ts';
import { sgd } from '../optimizers/sgd.ts';
import type { AnyStrategy } from '../strategy.ts';
import { toyData, toyModel } from '../testing/toyModel.ts';
import { toyStrategy } from '../testing/toyStrategy.ts';
import { batches, type DataSource } from './dataSource.ts';
import { type FineTuneOptions, fineTune } from './fineTune.ts';
import { regression } from './loss.ts';
import type { TrainingState } from './trainingState.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('resuming', () => {
  const save = async (changes: Partial<FineTuneOptions> = {}) => {
    const run = startToy(changes);
    await afterStep(run, 1);
    run.stop();
    const state = await finalState(run);
    return state;
  };

  it('lists every difference to the save at once', async () => {
    const state = await save();
    const other = toyModel(2);
    const run = fineTune(
      other,
      toyOptions({ resume: state, seed: 6, steps: 7, targets: ['query'], strategy: withKnots(2) }),
    );
    await expect(run.result).rejects.toThrow(
      `the training state of step ${state.step} belongs to another run: strategy was toy, now knots; fingerprint was ${toyModel().weights.fingerprint()}, now ${other.weights.fingerprint()}; seed was 5, now 6; totalSteps was 6, now 7; targets were embed, layer.0.query, layer.1.query, now layer.0.query, layer.1.query. Resume with the settings of the save, or start anew without it.`,
    );
  });

  it('refuses what changes the meaning of a run and says what changes its numbers', async () => {
    const data = (batchSize: number, seed?: number) => batches(toyData(seed), { batchSize });
    const options: Partial<FineTuneOptions> = {
      strategy: { ...(toyStrategy() as AnyStrategy), options: { rank: 2, alpha: undefined, pattern: /a/ } },
      data: data(6),
      modulesToSave: ['head'],
      groups: [{ name: 'slow', match: /head/, learningRateFactor: 0.5 }],
      maxGradientNorm: 1,
      evaluation: { data: data(6), every: 2 },
      earlyStopping: { patience: 2 },
    };
    const state = await save(options);
    const resumed = (changes: Partial<FineTuneOptions>, warnings: string[] = []) =>
      startToy({ ...options, ...changes, resume: state, onWarning: (warning) => warnings.push(warning) });
    await expect(
      resumed({
        strategy: { ...(toyStrategy() as AnyStrategy), options: { rank: 4, pattern: /b/ } },
        data: data(4),
        accumulate: 2,
        modulesToSave: undefined,
        bias: 'adapted',
        loss: { ...regression(), name: 'own' },
        optimizer: sgd(),
        groups: [],
      }).result,
    ).rejects.toThrow(
      `the training state of step ${state.step} belongs to another run: accumulate was 1, now 2; data.batchSize was 6, now 4; data.batchesPerEpoch was 4, now 6; loss.name was regression, now own; optimizer.name was adamw, now sgd; strategy.pattern was /a/, now /b/; strategy.rank was 2, now 4; trained was [head.bias, head.weight], now [layer.0.query.bias, layer.1.query.bias]. Resume with the settings of the save, or start anew without it.`,
    );
    await expect(resumed({ data: data(6, 2) }).result).rejects.toThrow(
      /belongs to another run: data\.content was \w{16}, now \w{16}\. Resume/,
    );
    const warnings: string[] = [];
    await finalState(
      resumed(
        {
          optimizer: adamw({ weightDecay: 0.1 }),
          schedule: 0.03,
          groups: [{ name: 'slow', match: /head/ }],
          maxGradientNorm: undefined,
          earlyStopping: { patience: 9 },
        },
        warnings,
      ),
    );
    expect(warnings).toEqual([
      `the run goes on from step ${state.step} with other settings than it was saved with, so it will not end as it would have: earlyStopping.patience was 2, now 9; groups.0.learningRateFactor was 0.5, now not set; maxGradientNorm was 1, now not set; optimizer.weightDecay was 0, now 0.1; schedule.at step 0 was 0.02, now 0.03; schedule.at step 1 was 0.02, now 0.03; schedule.at step 2 was 0.02, now 0.03; schedule.at step 3 was 0.02, now 0.03; schedule.at step 4 was 0.02, now 0.03; schedule.at step 5 was 0.02, now 0.03.`,
    ]);
    const silent: string[] = [];
    await finalState(resumed({}, silent));
    const older = { ...state, settings: undefined };
    await finalState(startToy({ ...options, schedule: 0.03, resume: older, onWarning: (said) => silent.push(said) }));
    expect(silent).toEqual([]);
  });

  it('says what changed step by step, in the order of the steps', async () => {
    const state = await save({ steps: 12 });
    const warnings: string[] = [];
    const onWarning = (said: string) => void warnings.push(said);
    await finalState(startToy({ steps: 12, schedule: 0.5, resume: state, onWarning }));
    const steps = [...(warnings[0] ?? '').matchAll(/at step (\d+) was/g)].map(([, step]) => Number(step));
    expect(steps).toEqual([0, 1, 3, 4, 6, 7, 8, 10, 11]);
  });

  it('keeps what the file of the adapter that the run began from says, given again or not', async () => {
    const fileConfig = {
      peft_type: 'LORA',
      base_model_name_or_path: 'org/tiny',
      revision: null,
      more: [{ $number: 2 }],
    };
    const { adapter: bare, dispose } = await startToy({ steps: 1 }).result;
    const from = { ...bare, fileConfig };
    const state = await save({ from });
    const configOf = async (changes: Partial<FineTuneOptions>) => {
      const run = startToy({ resume: state, ...changes });
      const [result, again] = [await run.result, await finalState(run)];
      result.dispose();
      expect(JSON.parse(again.fileConfig as string)).toEqual(result.adapter.fileConfig);
      return result.adapter.fileConfig;
    };
    expect(await configOf({})).toEqual(fileConfig);
    expect(await configOf({ from })).toEqual(fileConfig);
    expect(await configOf({ from: { ...from, fileConfig: { r: 3 } } })).toEqual({ r: 3 });
    expect(Object.keys(await save({ from: bare }))).not.toContain('fileConfig');
    dispose();
  });

  it('refuses a state whose parts do not fit, with all of them', async () => {
    const state = await save({ modulesToSave: ['head'] });
    const { 'trained/head.bias': bias, 'slots/adapter/embed/a/m': moment, ...tensors } = state.tensors;
    const { 'adapter/embed/b': start0, ...starts } = state.starts;
    expect([bias, moment, start0]).not.toContain(undefined);
    const broken: TrainingState = {
      ...state,
      tensors: { ...tensors, 'trained/head.weight': hostArray([1, 2]), 'slots/adapter/gone/a/m': hostArray([0]) },
      starts: { ...starts, 'adapter/embed/a': state.step + 1, 'adapter/lost/a': 0 },
    };
    const before = tf.memory().numTensors;
    await expect(startToy({ modulesToSave: ['head'], resume: broken }).result).rejects.toThrow(
      `the training state of step ${state.step} is not whole or belongs to another run; resume from another save:`,
    );
    expect(tf.memory().numTensors).toBe(before);
    const { message } = (await startToy({ modulesToSave: ['head'], resume: broken }).result.catch(
      (error: unknown) => error,
    )) as Error;
    expect(message.split('\n').slice(1)).toEqual([
      '- trained/head.bias [3] is missing.',
      '- trained/head.weight is [2], here [6,3].',
      `- adapter/embed/a has moments that began at step ${state.step + 1}.`,
      '- adapter/embed/a has no "m" [7,2] of adamw.',
      '- adapter/embed/b has the moments of an unknown step.',
      '- trained/head.weight has no "m" [2] of adamw.',
      '- trained/head.weight has no "v" [2] of adamw.',
      '- trained/head.bias has moments and no values.',
      '- adapter/lost/a has moments and no values.',
      '- adapter/gone/a has moments and no values.',
    ]);
  });

  it('goes on from a run that stopped early, and stops at once', async () => {
    const options: Partial<FineTuneOptions> = {
      schedule: (step) => (step < 2 ? 0.02 : 3),
      evaluation: { data: batches(toyColumns(), { batchSize: 12 }), every: 1 },
      earlyStopping: { patience: 2 },
    };
    const whole = await finalState(startToy(options));
    expect(whole.step).toBe(4);
    const again = startToy({ ...options, resume: structuredClone(whole) });
    const { reason, step, evaluation } = await again.result;
    expect([reason, step]).toEqual(['stopped-early', 2]);
    expect(evaluation).toEqual(whole.best?.evaluation);
    expect(await finalState(again)).toEqual(whole);
    const { evaluation: last } = await startToy({ ...options, keepBest: false, resume: whole }).result;
    expect(last).toEqual(whole.evaluation);
  });

  it('refuses a state of a newer format', async () => {
    const state = { ...(await save()), version: 2 };
    await expect(startToy({ resume: state }).result).rejects.toThrow(
      'the training state has format 2, newer than 1, the newest this version reads; upgrade @peft/core.',
    );
  });

  it('refuses a finished link of a part or a target that is not there', async () => {
    const state = await finalState(startToy({ strategy: withKnots(2), steps: 3 }));
    const knots = { ...withKnots(2), part: () => undefined };
    await expect(startToy({ resume: state, strategy: knots, steps: 3 }).result).rejects.toThrow(
      'strategy "knots" has no part "link", which a saved link was trained by; use the strategy of the save.',
    );
    const [link] = state.finished;
    if (!link) throw new Error('no link');
    const elsewhere = { ...state, finished: [{ ...link, targets: ['layer.9.query'] }] };
    await expect(startToy({ resume: elsewhere, strategy: withKnots(2), steps: 3 }).result).rejects.toThrow(
      'a finished link adapted "layer.9.query", which is not among this run\'s targets; resume with the targets of the save.',
    );
  });

  it('with the best state so far keeps it', async () => {
    const options: Partial<FineTuneOptions> = {
      schedule: (step) => (step < 2 ? 0.02 : 3),
      evaluation: { data: batches(toyColumns(), { batchSize: 12 }), every: 1 },
      keepBest: true,
    };
    const whole = await startToy(options).result;
    const run = startToy(options);
    await afterStep(run, 4);
    await run.pause();
    const state = structuredClone(await run.state());
    run.stop();
    (await run.result).dispose();
    const resumed = await startToy({ ...options, resume: state }).result;
    expect([resumed.step, resumed.evaluation]).toEqual([whole.step, whole.evaluation]);
    expect(whole.step).toBe(2);
    whole.dispose();
    resumed.dispose();
  });
});

function toyColumns() {
  const source = toyOptions().data as DataSource;
  const [batch] = [...(source.batches(0, 1, 0) as Iterable<Parameters<typeof batches>[0]>)];
  if (!batch) throw new Error('no batch');
  return batch;
}
