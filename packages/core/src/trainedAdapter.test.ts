import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { withKnots } from '../test/knots.ts';
import { toyOptions } from '../test/toyRun.ts';
import type { AnyModel } from './model.ts';
import type { AnyStrategy } from './strategy.ts';
import { requireClose } from './testing/equality.ts';
import { toyData, toyModel } from './testing/toyModel.ts';
import { toyStrategy } from './testing/toyStrategy.ts';
import { attach, combinedFactors, mergeAdapter, type TrainedAdapter } from './trainedAdapter.ts';
import { batches } from './training/dataSource.ts';
import { evaluate } from './training/evaluate.ts';
import { type FineTuneOptions, fineTune } from './training/fineTune.ts';
import { regression } from './training/loss.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const columns = toyData();
const train = (changes: Partial<FineTuneOptions>, model: AnyModel = toyModel()) =>
  fineTune(model, toyOptions(changes)).result;

const outputOf = (apply: (batch: { ids: tf.Tensor }) => tf.Tensor) =>
  tf.tidy(() =>
    apply({ ids: tf.tensor2d(columns.ids.data as Int32Array, [24, 2], 'int32') })
      .dataSync()
      .slice(),
  );

/** The output of a model with these weights and no adapter. */
const plainOutput = async (model: AnyModel, bare: TrainedAdapter) => {
  const attached = await attach(model, {
    ...bare,
    targets: [],
    finished: [],
    trained: {},
    fingerprint: model.weights.fingerprint(),
  });
  const output = outputOf(attached.apply);
  attached.dispose();
  return output;
};

describe('a trained adapter', () => {
  it('is put on its base, links replayed, and taken off again bit for bit', async () => {
    const model = toyModel();
    const { adapter, weights, dispose } = await train(
      { strategy: withKnots(2), steps: 5, modulesToSave: ['head'] },
      model,
    );
    const before = await plainOutput(model, adapter);
    const held = tf.memory().numTensors - model.weights.uploads;
    const attached = await attach(model, adapter);
    expect(adapter.finished.length).toBe(2);
    for (const path of weights.paths) expect(attached.weights.get(path)).toEqual(weights.get(path));
    expect(outputOf(attached.apply)).not.toEqual(before);
    attached.dispose();
    expect(tf.memory().numTensors - model.weights.uploads).toBe(held);
    expect(await plainOutput(model, adapter)).toEqual(before);
    dispose();
  });

  it('merged gives the same outputs without it, trained modules and biases included', async () => {
    const model = toyModel();
    const { adapter, dispose } = await train(
      { strategy: withKnots(2), steps: 5, modulesToSave: ['head'], bias: 'adapted' },
      model,
    );
    const attached = await attach(model, adapter);
    const merged = await mergeAdapter(model, adapter);
    const changed = ['embed.weight', 'head.bias', 'head.weight', 'layer.0.query.bias', 'layer.0.query.weight'];
    expect(merged.written).toEqual([...changed, 'layer.1.query.bias', 'layer.1.query.weight']);
    requireClose(await plainOutput({ ...model, weights: merged }, adapter), outputOf(attached.apply), {
      what: 'output',
      tolerance: 1e-6,
    });
    attached.dispose();
    merged.dispose();
    dispose();
  });

  it('is one low-rank pair with its finished links', async () => {
    const { adapter, dispose } = await train({ strategy: withKnots(2), steps: 5 });
    const model = toyModel();
    const merged = await mergeAdapter(model, adapter);
    for (const target of adapter.targets) {
      const pair = combinedFactors(adapter, target);
      if (!pair) throw new Error(target.path);
      expect(pair.a.shape).toEqual([target.shape[0], 6]);
      const path = `${target.path}.weight`;
      const whole = tf.tidy(() => tf.add(model.weights.tensor(path), tf.matMul(pair.a, pair.b)).dataSync());
      requireClose(whole, merged.get(path).data as Float32Array, { what: path, tolerance: 1e-6 });
      tf.dispose([pair.a, pair.b]);
    }
    dispose();
  });

  it('has no pair where a target has rank 0, and none at all where the method is not additive', async () => {
    const toy = toyStrategy() as AnyStrategy;
    const { adapter, dispose } = await train({ strategy: { ...toy, factors: () => undefined } });
    const [target] = adapter.targets;
    if (!target) throw new Error('no target');
    expect(combinedFactors(adapter, target)).toBeUndefined();
    const { factors: _factors, ...multiplied } = toy;
    expect(() => combinedFactors({ ...adapter, strategy: multiplied }, target)).toThrow(
      'strategy "toy" does not change a weight by a product of two factors, so it has no low-rank pair; save the merged weights instead.',
    );
    dispose();
  });

  it('is refused by another base', async () => {
    const { adapter, dispose } = await train({});
    const other = toyModel(2);
    const says = `this adapter was made on a base with fingerprint ${adapter.fingerprint}, but this model's is ${other.weights.fingerprint()}; load the base it was trained on, without merges.`;
    await expect(attach(other, adapter)).rejects.toThrow(says);
    await expect(mergeAdapter(other, adapter)).rejects.toThrow(says);
    const data = batches(columns, { batchSize: 24 });
    await expect(evaluate(other, { data, loss: regression(), adapter })).rejects.toThrow(says);
    dispose();
  });

  it('refuses to merge what has another shape than the weight', async () => {
    const strategy: AnyStrategy = { ...(toyStrategy() as AnyStrategy), merge: () => tf.ones([2, 2]) };
    const { adapter, dispose } = await train({ strategy });
    const held = tf.memory().numTensors;
    const model = toyModel();
    await expect(mergeAdapter(model, adapter)).rejects.toThrow(
      'merging into "embed" gave shape [2,2], but the weight has [7,6]; merge must return the whole new weight.',
    );
    model.weights.dispose();
    expect(tf.memory().numTensors).toBe(held);
    dispose();
  });
});
