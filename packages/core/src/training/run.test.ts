import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withKnots } from '../../test/knots.ts';
import { recorder, toyOptions } from '../../test/toyRun.ts';
import { hostArray } from '../hostArray.ts';
import { adamw } from '../optimizers/adamw.ts';
import { sgd } from '../optimizers/sgd.ts';
import type { AnyStrategy } from '../strategy.ts';
import { toyData, toyModel } from '../testing/toyModel.ts';
import { toyStrategy } from '../testing/toyStrategy.ts';
import { batches, type DataSource } from './dataSource.ts';
import type { TrainEvent } from './events.ts';
import { type FineTuneOptions, fineTune, type Run } from './fineTune.ts';
import { regression } from './loss.ts';
import type { TrainingState } from './trainingState.ts';

const unhandled: unknown[] = [];
const remember = (error: unknown) => unhandled.push(error);

beforeAll(async () => {
  await tf.setBackend('cpu');
  process.on('unhandledRejection', remember);
});

afterAll(() => {
  process.off('unhandledRejection', remember);
});

const start = (changes: Partial<FineTuneOptions> = {}) => fineTune(toyModel(), toyOptions(changes));

const stepsOf = async (reader: AsyncIterable<TrainEvent>) => {
  const steps: number[] = [];
  for await (const event of reader) if (event.type === 'step') steps.push(event.step);
  return steps;
};

/** Resolves when the run has taken this step. */
function afterStep(run: Run, step: number): Promise<void> {
  return (async () => {
    for await (const event of run) if (event.type === 'step' && event.step === step) return;
  })();
}

const exploding = (step: number): AnyStrategy => ({
  ...(toyStrategy() as AnyStrategy),
  inputs(_state, clock) {
    if (clock.step === step) throw new Error(`no inputs at step ${step}`);
    return {};
  },
});

describe('events', () => {
  it('come in order, to callback and readers alike', async () => {
    const log = recorder();
    const run = start({
      strategy: withKnots(2),
      steps: 3,
      evaluation: { data: toyOptions().data, every: 2 },
      onEvent: log.onEvent,
    });
    const read: TrainEvent[] = [];
    for await (const event of run) read.push(event);
    expect(read).toEqual(log.events);
    expect(read.map(({ type, step }) => `${step} ${type}`)).toEqual([
      '0 start',
      '1 step',
      '2 step',
      '2 effect',
      '2 effect',
      '2 evaluation',
      '3 step',
      '3 evaluation',
      '3 end',
    ]);
    expect(log.of('effect')).toEqual([
      { type: 'effect', step: 2, effect: 'merge', targets: ['embed', 'layer.0.query', 'layer.1.query'] },
      { type: 'effect', step: 2, effect: 'restart', targets: ['embed', 'layer.0.query', 'layer.1.query'] },
    ]);
    (await run.result).dispose();
  });

  it('reach every reader; a late one reads from then on, one that breaks off stops only itself', async () => {
    const run = start();
    const first = stepsOf(run);
    const second = stepsOf(run);
    await afterStep(run, 2);
    const late = stepsOf(run);
    expect(await Promise.all([first, second, late])).toEqual([
      [1, 2, 3, 4, 5, 6],
      [1, 2, 3, 4, 5, 6],
      [3, 4, 5, 6],
    ]);
    expect(await stepsOf(run)).toEqual([]);
    (await run.result).dispose();
  });

  it('fail the run when a callback throws', async () => {
    const run = start({
      onEvent: ({ type }) => {
        if (type === 'step') throw new Error('callback');
      },
    });
    await expect(run.result).rejects.toThrow('callback');
  });
});

describe('a failure', () => {
  it('reaches every reader and the result', async () => {
    const run = start({ strategy: exploding(3) });
    const readers = [stepsOf(run), stepsOf(run)];
    for (const reader of readers) await expect(reader).rejects.toThrow('no inputs at step 3');
    await expect(run.result).rejects.toThrow('no inputs at step 3');
  });

  it('is not reported as unhandled to someone who reads events, and is to someone who does not', async () => {
    unhandled.length = 0;
    await expect(stepsOf(start({ strategy: exploding(1) }))).rejects.toThrow('no inputs');
    await rest();
    expect(unhandled).toEqual([]);
    start({ strategy: exploding(2) });
    await expect.poll(() => unhandled.map(String)).toEqual(['Error: no inputs at step 2']);
    unhandled.length = 0;
  });

  it('leaves the state of the last sound step, which another run continues exactly', async () => {
    const whole = await finalState(start());
    const failed = start({ strategy: exploding(4) });
    await expect(failed.result).rejects.toThrow();
    const state = await failed.state();
    expect([state.step, state.position]).toEqual([3, { epoch: 0, batch: 3 }]);
    expect(await finalState(start({ resume: state }))).toEqual(whole);
  });

  it('inside advance leaves no state to continue from, and says so', async () => {
    const strategy: AnyStrategy = {
      ...(toyStrategy() as AnyStrategy),
      advance: (_context, _adapter, { step }) => (step === 2 ? Promise.reject(new Error('in advance')) : undefined),
    };
    const run = start({ strategy });
    await expect(run.result).rejects.toThrow('in advance');
    await expect(run.state()).rejects.toThrow(
      'the run failed while its strategy changed the adapter after step 2, so it has no state; resume from an earlier save.',
    );
  });

  it('before the first step rejects those who ask for the state', async () => {
    const strategy: AnyStrategy = {
      ...(toyStrategy() as AnyStrategy),
      init: () => {
        throw new Error('in init');
      },
    };
    const run = start({ strategy });
    const state = run.state();
    await expect(run.result).rejects.toThrow('in init');
    await expect(state).rejects.toThrow('the run has no state yet or no longer; ask for it while it trains.');
  });

  it('frees every tensor of the run, and lets the data source close', async () => {
    const model = toyModel();
    const before = tf.memory().numTensors;
    let isClosed = false;
    const source = toyOptions().data as DataSource;
    const data: DataSource = {
      *batches(epoch, seed, skip) {
        try {
          yield* source.batches(epoch, seed, skip) as Iterable<never>;
        } finally {
          isClosed = true;
        }
      },
    };
    const run = fineTune(model, toyOptions({ data, strategy: exploding(3), modulesToSave: ['head'] }));
    await expect(run.result).rejects.toThrow();
    model.weights.dispose();
    expect([tf.memory().numTensors, isClosed]).toEqual([before, true]);
  });

  it('of a forward pass in a later micro-batch frees every tensor too', async () => {
    const model = toyModel();
    const before = tf.memory().numTensors;
    let calls = 0;
    const failing = {
      ...model,
      apply: (...call: Parameters<typeof model.apply>) => {
        calls++;
        if (calls === 2) throw new Error('second micro-batch');
        return model.apply(...call);
      },
    };
    const run = fineTune(failing, toyOptions({ accumulate: 2 }));
    await expect(run.result).rejects.toThrow('second micro-batch');
    model.weights.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('stopping', () => {
  it('before the start gives the fresh adapter', async () => {
    const result = await start({ signal: AbortSignal.abort() }).result;
    expect([result.reason, result.step]).toEqual(['aborted', 0]);
    result.dispose();
  });

  it('by signal or by stop() ends after the step under way', async () => {
    const controller = new AbortController();
    const log = recorder();
    const aborted = start({ signal: controller.signal, onEvent: log.onEvent });
    await afterStep(aborted, 2);
    controller.abort();
    const first = await aborted.result;
    expect([first.reason, first.step, log.of('step').length]).toEqual(['aborted', 2, 2]);
    expect(log.events.at(-1)).toEqual({ type: 'end', step: 2, reason: 'aborted' });
    first.dispose();
    const stopped = start();
    await afterStep(stopped, 3);
    stopped.stop();
    const second = await stopped.result;
    expect([second.reason, second.step]).toEqual(['aborted', 3]);
    second.dispose();
  });

  it('while paused ends at once, and a pause on an ended run is over', async () => {
    const log = recorder();
    const run = start({ onEvent: log.onEvent });
    await afterStep(run, 1);
    await run.pause();
    run.stop();
    const result = await run.result;
    expect(log.events.slice(-2).map(({ type }) => type)).toEqual(['pause', 'end']);
    await run.pause();
    run.resume();
    run.stop();
    result.dispose();
  });

  it('after the last step changes nothing', async () => {
    const run = start();
    const result = await run.result;
    run.stop();
    expect(result.reason).toBe('finished');
    result.dispose();
  });
});

describe('pausing', () => {
  it('rests between steps until resumed, and trains the same', async () => {
    const whole = await finalState(start());
    const log = recorder();
    const run = start({ onEvent: log.onEvent });
    await afterStep(run, 2);
    await run.pause();
    const resting = log.of('step').length;
    await rest(20);
    expect(log.of('step').length).toBe(resting);
    run.resume();
    expect(await finalState(run)).toEqual(whole);
    expect([log.of('pause').length, log.of('resume').length]).toEqual([1, 1]);
  });

  it('resolves every pause, also one that follows a resume at once', async () => {
    const run = start();
    await Promise.all([run.pause(), run.pause()]);
    run.resume();
    await run.pause();
    run.resume();
    (await run.result).dispose();
  });

  it('before the start rests before the first step', async () => {
    const log = recorder();
    const run = start({ onEvent: log.onEvent });
    await run.pause();
    expect(log.events.map(({ type }) => type)).toEqual(['start', 'pause']);
    run.resume();
    (await run.result).dispose();
  });
});

describe('the state', () => {
  it('is the same asked for while training, while paused (any number of times) and after the end', async () => {
    const run = start();
    expect((await run.state()).step).toBe(0);
    await afterStep(run, 2);
    await run.pause();
    const asked = await Promise.all([run.state(), run.state(), rest(1).then(() => run.state())]);
    expect(asked.map(({ step }) => step)).toEqual(Array(3).fill(asked[0]?.step));
    expect(asked[1]).toEqual(asked[0]);
    const nested = run.state().then(() => run.state());
    expect(await nested).toEqual(asked[0]);
    run.resume();
    const last = run.result.then(() => run.state());
    expect((await last).step).toBe(6);
    expect(await run.state()).toEqual(await last);
    (await run.result).dispose();
  });

  it('is refused where finished links are not kept', async () => {
    const run = start({ strategy: withKnots(2), keepLinks: false });
    await expect(run.state()).rejects.toThrow('a run with keepLinks: false cannot be saved; leave keepLinks on.');
    const { adapter, dispose } = await run.result;
    expect(adapter.finished).toEqual([]);
    dispose();
  });
});

describe('checkpoints', () => {
  const storeOf = (states: TrainingState[]) => ({
    save: async (state: TrainingState) => void states.push(state),
    load: async () => states.at(-1),
  });

  it('are saved every few steps and at the end, and continue exactly', async () => {
    const states: TrainingState[] = [];
    const log = recorder();
    const run = start({
      strategy: withKnots(2),
      checkpoints: { store: storeOf(states), every: 4 },
      onEvent: log.onEvent,
    });
    const last = await finalState(run);
    expect([states.map(({ step }) => step), log.of('save').map(({ step }) => step)]).toEqual([
      [4, 6],
      [4, 6],
    ]);
    expect(await finalState(start({ strategy: withKnots(2), resume: structuredClone(states[0]) }))).toEqual(last);
  });

  const fullDisk = {
    save: () => Promise.reject(new Error('ENOSPC: no space left on device')),
    load: async () => undefined,
  };

  it('that cannot be written are told, and the training goes on to the same end', async () => {
    const whole = await finalState(start());
    const log = recorder();
    const warnings: string[] = [];
    const run = start({
      checkpoints: { store: fullDisk, every: 4 },
      onEvent: log.onEvent,
      onWarning: (warning) => warnings.push(warning),
    });
    expect(await finalState(run)).toEqual(whole);
    expect(log.events.slice(-3).map(({ type, step }) => `${step} ${type}`)).toEqual([
      '6 step',
      '6 save-failed',
      '6 end',
    ]);
    expect(log.of('save-failed').map(({ step, error }) => [step, `${error}`])).toEqual([
      [4, 'Error: ENOSPC: no space left on device'],
      [6, 'Error: ENOSPC: no space left on device'],
    ]);
    expect(warnings).toEqual([
      'the training state of step 4 could not be saved: ENOSPC: no space left on device. The run goes on and saves again at step 6; run.state() gives the state at any time.',
      'the training state of step 6 could not be saved: ENOSPC: no space left on device. The run is complete all the same: its result and run.state() hold everything.',
    ]);
  });

  it('are written too where a run is stopped between two of them', async () => {
    const states: TrainingState[] = [];
    const run = start({ checkpoints: { store: storeOf(states), every: 4 } });
    await afterStep(run, 1);
    run.stop();
    const { step } = await finalState(run);
    expect(step).toBeLessThan(4);
    expect(states.map((state) => state.step)).toEqual([step]);
    const again = start({ checkpoints: { store: storeOf(states), every: 4 }, resume: states[0] });
    again.stop();
    await finalState(again);
    expect(states).toHaveLength(1);
  });

  it('that cannot be written stop the run where that is wanted, say why, and lose nothing', async () => {
    const whole = await finalState(start());
    const run = start({ checkpoints: { store: fullDisk, every: 3, onFailure: 'stop' } });
    await expect(run.result).rejects.toThrow(
      'the training state of step 3 could not be saved: ENOSPC: no space left on device. Nothing is lost: run.state() still holds it; make room and resume from it.',
    );
    await expect(run.result).rejects.toMatchObject({ code: 'run/save', cause: { message: /ENOSPC/ } });
    expect(await finalState(start({ resume: await run.state() }))).toEqual(whole);
  });
});

describe('resuming', () => {
  const save = async (changes: Partial<FineTuneOptions> = {}) => {
    const run = start(changes);
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
      start({ ...options, ...changes, resume: state, onWarning: (warning) => warnings.push(warning) });
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
    await finalState(start({ ...options, schedule: 0.03, resume: older, onWarning: (said) => silent.push(said) }));
    expect(silent).toEqual([]);
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
    await expect(start({ modulesToSave: ['head'], resume: broken }).result).rejects.toThrow(
      `the training state of step ${state.step} is not whole or belongs to another run; resume from another save:`,
    );
    expect(tf.memory().numTensors).toBe(before);
    const { message } = (await start({ modulesToSave: ['head'], resume: broken }).result.catch(
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
    const whole = await finalState(start(options));
    expect(whole.step).toBe(4);
    const again = start({ ...options, resume: structuredClone(whole) });
    const { reason, step, evaluation } = await again.result;
    expect([reason, step]).toEqual(['stopped-early', 2]);
    expect(evaluation).toEqual(whole.best?.evaluation);
    expect(await finalState(again)).toEqual(whole);
    const { evaluation: last } = await start({ ...options, keepBest: false, resume: whole }).result;
    expect(last).toEqual(whole.evaluation);
  });

  it('refuses a state of a newer format', async () => {
    const state = { ...(await save()), version: 2 };
    await expect(start({ resume: state }).result).rejects.toThrow(
      'the training state has format 2, newer than 1, the newest this version reads; upgrade @peft/core.',
    );
  });

  it('refuses a finished link of a part or a target that is not there', async () => {
    const state = await finalState(start({ strategy: withKnots(2), steps: 3 }));
    const knots = { ...withKnots(2), part: () => undefined };
    await expect(start({ resume: state, strategy: knots, steps: 3 }).result).rejects.toThrow(
      'strategy "knots" has no part "link", which a saved link was trained by; use the strategy of the save.',
    );
    const [link] = state.finished;
    if (!link) throw new Error('no link');
    const elsewhere = { ...state, finished: [{ ...link, targets: ['layer.9.query'] }] };
    await expect(start({ resume: elsewhere, strategy: withKnots(2), steps: 3 }).result).rejects.toThrow(
      'a finished link adapted "layer.9.query", which is not among this run\'s targets; resume with the targets of the save.',
    );
  });

  it('with the best state so far keeps it', async () => {
    const options: Partial<FineTuneOptions> = {
      schedule: (step) => (step < 2 ? 0.02 : 3),
      evaluation: { data: batches(toyColumns(), { batchSize: 12 }), every: 1 },
      keepBest: true,
    };
    const whole = await start(options).result;
    const run = start(options);
    await afterStep(run, 4);
    await run.pause();
    const state = structuredClone(await run.state());
    run.stop();
    (await run.result).dispose();
    const resumed = await start({ ...options, resume: state }).result;
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

async function finalState(run: Run): Promise<TrainingState> {
  (await run.result).dispose();
  return run.state();
}

function rest(milliseconds = 0): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
