import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { withKnots } from '../../test/knots.ts';
import { recorder, toyOptions, trainToy } from '../../test/toyRun.ts';
import type { AnyStrategy } from '../strategy.ts';
import { toyData, toyModel } from '../testing/toyModel.ts';
import { toyStrategy } from '../testing/toyStrategy.ts';
import { batches } from './dataSource.ts';
import { evaluate } from './evaluate.ts';
import { fineTune } from './fineTune.ts';
import { regression } from './loss.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('early stopping and the best state', () => {
  // The rate turns so high after two steps that every later evaluation is worse.
  const ruinous = (step: number) => (step < 2 ? 0.02 : 3);
  const validation = batches(toyData(1, 12), { batchSize: 12 });

  it('stops after patience runs out and hands over the best state', async () => {
    const log = recorder();
    const best = await trainToy({ steps: 2 });
    const stopped = await trainToy({
      steps: 20,
      schedule: ruinous,
      evaluation: { data: validation, every: 1 },
      earlyStopping: { patience: 3 },
      onEvent: log.onEvent,
    });
    expect([stopped.reason, stopped.step]).toEqual(['stopped-early', 2]);
    expect(log.of('evaluation').map(({ isBest }) => isBest)).toEqual([true, true, false, false, false]);
    expect(stopped.params).toEqual(best.params);
    expect(stopped.evaluation?.loss).toBe(log.of('evaluation')[1]?.loss);
  });

  it('goes back before a knot, weights and finished links included', async () => {
    const model = toyModel();
    const run = fineTune(
      model,
      toyOptions({
        strategy: withKnots(3),
        steps: 7,
        schedule: (step) => (step < 2 ? 0.01 : 3),
        evaluation: { data: validation, every: 2 },
        keepBest: true,
      }),
    );
    const { adapter, step, weights, evaluation, dispose } = await run.result;
    expect([step, adapter.finished.length, weights.written]).toEqual([2, 0, []]);
    const { loss } = await evaluate(model, { data: validation, loss: regression(), adapter });
    expect(evaluation?.loss).toBe(loss);
    dispose();
  });

  it('goes back between two knots', async () => {
    const model = toyModel();
    const strategy = withKnots(2);
    // Links of two steps: rates of the second link's are sound, those of the third are not.
    const runaway: AnyStrategy = {
      ...strategy,
      lifeOf: (_state, clock) => ({ step: clock.step, totalSteps: clock.totalSteps }),
    };
    const run = fineTune(
      model,
      toyOptions({
        strategy: runaway,
        steps: 6,
        schedule: (step) => (step < 3 ? 0.01 : 3),
        evaluation: { data: validation, every: 1 },
        keepBest: true,
      }),
    );
    const { adapter, step, evaluation, dispose, weights } = await run.result;
    expect([step, adapter.finished.length, weights.written.length]).toEqual([3, 1, 3]);
    const { loss } = await evaluate(model, { data: validation, loss: regression(), adapter });
    expect(evaluation?.loss).toBeCloseTo(loss, 6);
    dispose();
  });

  it('takes no state for best while the strategy is not settled', async () => {
    const log = recorder();
    const strategy: AnyStrategy = {
      ...(toyStrategy() as AnyStrategy),
      isSettled: (_state, { step }) => step >= 4,
    };
    const result = await trainToy({
      strategy,
      schedule: ruinous,
      evaluation: { data: validation, every: 1 },
      earlyStopping: { patience: 1 },
      onEvent: log.onEvent,
    });
    expect(
      log
        .of('evaluation')
        .map(({ isBest }) => isBest)
        .slice(0, 4),
    ).toEqual([false, false, false, true]);
    expect(result.step).toBeGreaterThanOrEqual(4);
  });

  it('follows a metric where larger is better', async () => {
    const log = recorder();
    const closeness = { ...regression(), metrics: { closeness: negativeError } };
    await trainToy({
      loss: closeness,
      schedule: ruinous,
      steps: 4,
      evaluation: { data: validation, every: 1, metric: 'closeness', mode: 'max' },
      keepBest: true,
      onEvent: log.onEvent,
    });
    expect(log.of('evaluation').map(({ isBest }) => isBest)).toEqual([true, true, false, false]);
    expect(Object.keys(log.of('evaluation')[0]?.metrics ?? {})).toEqual(['closeness']);
  });

  it('ignores improvements below the smallest that counts', async () => {
    const log = recorder();
    const result = await trainToy({
      schedule: 1e-6,
      evaluation: { data: validation, every: 1 },
      earlyStopping: { patience: 2, minimumChange: 0.01 },
      onEvent: log.onEvent,
    });
    expect([result.reason, log.of('evaluation').map(({ isBest }) => isBest)]).toEqual([
      'stopped-early',
      [true, false, false],
    ]);
  });
});

function negativeError(output: tf.Tensor, batch: Readonly<Record<string, tf.Tensor>>): tf.Scalar {
  return tf.neg(tf.sum(tf.squaredDifference(output, batch.targets as tf.Tensor))) as tf.Scalar;
}
