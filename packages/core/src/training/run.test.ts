import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withKnots } from '../../test/knots.ts';
import { afterStep, finalState, recorder, startToy, toyOptions } from '../../test/toyRun.ts';
import type { AnyStrategy } from '../strategy.ts';
import { toyModel } from '../testing/toyModel.ts';
import { toyStrategy } from '../testing/toyStrategy.ts';
import type { DataSource } from './dataSource.ts';
import type { TrainEvent } from './events.ts';
import { fineTune } from './fineTune.ts';

const unhandled: unknown[] = [];
const remember = (error: unknown) => unhandled.push(error);

beforeAll(async () => {
  await tf.setBackend('cpu');
  process.on('unhandledRejection', remember);
});

afterAll(() => {
  process.off('unhandledRejection', remember);
});

const stepsOf = async (reader: AsyncIterable<TrainEvent>) => {
  const steps: number[] = [];
  for await (const event of reader) if (event.type === 'step') steps.push(event.step);
  return steps;
};

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
    const run = startToy({
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
    const run = startToy();
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
    const run = startToy({
      onEvent: ({ type }) => {
        if (type === 'step') throw new Error('callback');
      },
    });
    await expect(run.result).rejects.toThrow('callback');
  });
});

describe('a failure', () => {
  it('reaches every reader and the result', async () => {
    const run = startToy({ strategy: exploding(3) });
    const readers = [stepsOf(run), stepsOf(run)];
    for (const reader of readers) await expect(reader).rejects.toThrow('no inputs at step 3');
    await expect(run.result).rejects.toThrow('no inputs at step 3');
  });

  it('is not reported as unhandled to someone who reads events, and is to someone who does not', async () => {
    unhandled.length = 0;
    await expect(stepsOf(startToy({ strategy: exploding(1) }))).rejects.toThrow('no inputs');
    await rest();
    expect(unhandled).toEqual([]);
    startToy({ strategy: exploding(2) });
    await expect.poll(() => unhandled.map(String)).toEqual(['Error: no inputs at step 2']);
    unhandled.length = 0;
  });

  it('leaves the state of the last sound step, which another run continues exactly', async () => {
    const whole = await finalState(startToy());
    const failed = startToy({ strategy: exploding(4) });
    await expect(failed.result).rejects.toThrow();
    const state = await failed.state();
    expect([state.step, state.position]).toEqual([3, { epoch: 0, batch: 3 }]);
    expect(await finalState(startToy({ resume: state }))).toEqual(whole);
  });

  it('inside advance leaves no state to continue from, and says so', async () => {
    const strategy: AnyStrategy = {
      ...(toyStrategy() as AnyStrategy),
      advance: (_context, _adapter, { step }) => (step === 2 ? Promise.reject(new Error('in advance')) : undefined),
    };
    const run = startToy({ strategy });
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
    const run = startToy({ strategy });
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
    const result = await startToy({ signal: AbortSignal.abort() }).result;
    expect([result.reason, result.step]).toEqual(['aborted', 0]);
    result.dispose();
  });

  it('by signal or by stop() ends after the step under way', async () => {
    const controller = new AbortController();
    const log = recorder();
    const aborted = startToy({ signal: controller.signal, onEvent: log.onEvent });
    await afterStep(aborted, 2);
    controller.abort();
    const first = await aborted.result;
    expect([first.reason, first.step, log.of('step').length]).toEqual(['aborted', 2, 2]);
    expect(log.events.at(-1)).toEqual({ type: 'end', step: 2, reason: 'aborted' });
    first.dispose();
    const stopped = startToy();
    await afterStep(stopped, 3);
    stopped.stop();
    const second = await stopped.result;
    expect([second.reason, second.step]).toEqual(['aborted', 3]);
    second.dispose();
  });

  it('while paused ends at once, and a pause on an ended run is over', async () => {
    const log = recorder();
    const run = startToy({ onEvent: log.onEvent });
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
    const run = startToy();
    const result = await run.result;
    run.stop();
    expect(result.reason).toBe('finished');
    result.dispose();
  });
});

describe('pausing', () => {
  it('rests between steps until resumed, and trains the same', async () => {
    const whole = await finalState(startToy());
    const log = recorder();
    const run = startToy({ onEvent: log.onEvent });
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
    const run = startToy();
    await Promise.all([run.pause(), run.pause()]);
    run.resume();
    await run.pause();
    run.resume();
    (await run.result).dispose();
  });

  it('before the start rests before the first step', async () => {
    const log = recorder();
    const run = startToy({ onEvent: log.onEvent });
    await run.pause();
    expect(log.events.map(({ type }) => type)).toEqual(['start', 'pause']);
    run.resume();
    (await run.result).dispose();
  });
});

describe('the state', () => {
  it('is the same asked for while training, while paused (any number of times) and after the end', async () => {
    const run = startToy();
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
    const run = startToy({ strategy: withKnots(2), keepLinks: false });
    await expect(run.state()).rejects.toThrow('a run with keepLinks: false cannot be saved; leave keepLinks on.');
    const { adapter, dispose } = await run.result;
    expect(adapter.finished).toEqual([]);
    dispose();
  });
});

function rest(milliseconds = 0): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
