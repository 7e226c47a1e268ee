import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { withKnots } from '../../test/knots.ts';
import { afterStep, finalState, recorder, startToy } from '../../test/toyRun.ts';
import type { TrainingState } from './trainingState.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('checkpoints', () => {
  const storeOf = (states: TrainingState[]) => ({
    save: async (state: TrainingState) => void states.push(state),
    load: async () => states.at(-1),
  });

  it('are saved every few steps and at the end, and continue exactly', async () => {
    const states: TrainingState[] = [];
    const log = recorder();
    const run = startToy({
      strategy: withKnots(2),
      checkpoints: { store: storeOf(states), every: 4 },
      onEvent: log.onEvent,
    });
    const last = await finalState(run);
    expect([states.map(({ step }) => step), log.of('save').map(({ step }) => step)]).toEqual([
      [4, 6],
      [4, 6],
    ]);
    expect(await finalState(startToy({ strategy: withKnots(2), resume: structuredClone(states[0]) }))).toEqual(last);
  });

  const fullDisk = {
    save: () => Promise.reject(new Error('ENOSPC: no space left on device')),
    load: async () => undefined,
  };

  it('that cannot be written are told, and the training goes on to the same end', async () => {
    const whole = await finalState(startToy());
    const log = recorder();
    const warnings: string[] = [];
    const run = startToy({
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
    const run = startToy({ checkpoints: { store: storeOf(states), every: 4 } });
    await afterStep(run, 1);
    run.stop();
    const { step } = await finalState(run);
    expect(step).toBeLessThan(4);
    expect(states.map((state) => state.step)).toEqual([step]);
    const again = startToy({ checkpoints: { store: storeOf(states), every: 4 }, resume: states[0] });
    again.stop();
    await finalState(again);
    expect(states).toHaveLength(1);
  });

  it('that cannot be written stop the run where that is wanted, say why, and lose nothing', async () => {
    const whole = await finalState(startToy());
    const run = startToy({ checkpoints: { store: fullDisk, every: 3, onFailure: 'stop' } });
    await expect(run.result).rejects.toThrow(
      'the training state of step 3 could not be saved: ENOSPC: no space left on device. Nothing is lost: run.state() still holds it; make room and resume from it.',
    );
    await expect(run.result).rejects.toMatchObject({ code: 'run/save', cause: { message: /ENOSPC/ } });
    expect(await finalState(startToy({ resume: await run.state() }))).toEqual(whole);
  });
});
