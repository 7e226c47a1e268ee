// What Python PEFT's AdaLoRA accepts silently or fails on late, by the numbers of our reading of its sources.
import {
  type AnyStrategy,
  attach,
  evaluate,
  hostArray,
  type Loss,
  mergeAdapter,
  regression,
  type TrainingState,
  toTensor,
  Weights,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { layerStack } from '../test/layerStack.ts';
import { liveCount, stateValues } from '../test/stateValues.ts';
import { toyData, toyRun } from '../test/toyRun.ts';
import { type AdaLoraState, adalora, adaloraFileFormat, rankPattern } from './index.ts';

const life = { initRank: 4, targetRank: 1, alpha: 8, warmupSteps: 3, finalSteps: 8 };

const steps = ({ events }: Awaited<ReturnType<typeof toyRun>>) => events.filter((event) => event.type === 'step');
const at = (saves: readonly TrainingState[], step: number) => saves[step - 1] as TrainingState;

describe('D1: the orthogonality term is in the training loss whatever the loss is', () => {
  const absolute: Loss = {
    name: 'absolute',
    count: (batch) => batch.targets?.data.length ?? 0,
    sum: (output, batch) => tf.sum(tf.abs(tf.sub(output, batch.targets as tf.Tensor))) as tf.Scalar,
  };

  test.each([regression(), absolute])('$name', async (loss) => {
    const run = await toyRun(adalora({ ...life, orthogonality: 0.5 }), { loss, schedule: 0.02 });
    const penalties = steps(run).map((event) => event.penalty);
    // Four factors of rank 4 near 0: ||0 - I||^2 = 4 each.
    expect(penalties[0]).toBeCloseTo(0.5 * 4 * 4, 1);
    expect(penalties[15] as number).toBeLessThan(penalties[0] as number);
    const without = await toyRun(adalora({ ...life, orthogonality: 0 }), { loss, schedule: 0.02 });
    expect(steps(without).map((event) => event.penalty)).toEqual(Array(24).fill(0));
    expect(stateValues(at(run.saves, 1), 'adapter/l0/a')).not.toEqual(
      stateValues(at(without.saves, 1), 'adapter/l0/a'),
    );
    run.result.dispose();
    without.result.dispose();
  });
});

test('D2: evaluation is the task loss alone, in the run and of a finished adapter', async () => {
  const model = layerStack([6, 5, 4], 3);
  const data = toyData();
  const { events, result } = await toyRun(
    adalora({ ...life, orthogonality: 5 }),
    { evaluation: { data, every: 1 }, schedule: 0 },
    model,
  );
  const base = await evaluate(model, { data, loss: regression() });
  const evaluations = events.filter((event) => event.type === 'evaluation');
  expect(evaluations.length).toBe(24);
  for (const { loss } of evaluations) expect(loss).toBeCloseTo(base.loss, 6);
  const finished = await evaluate(model, { data, loss: regression(), adapter: result.adapter });
  expect(finished.loss).toBeCloseTo(base.loss, 6);
  result.dispose();
});

test('D3: the scale does not follow the kept ranks', async () => {
  const strategy = adalora(life);
  const { result, saves } = await toyRun(strategy);
  const pair = strategy.factors?.(result.adapter.adapter as never, { path: 'l1', kind: 'dense', shape: [5, 4] });
  const lambda = stateValues(at(saves, 24), 'adapter/l1/lambda');
  const a = stateValues(at(saves, 24), 'adapter/l1/a');
  const [value = 0] = (await pair?.a.data()) ?? [];
  expect(lambda.length).toBeLessThan(4);
  expect(value).toBeCloseTo((a[0] as number) * (lambda[0] as number) * (8 / 4), 6);
  result.dispose();
});

test('D4: a target rank equal to the initial one prunes nothing, a higher one is refused at once', async () => {
  for (const compat of [undefined, 'peft'] as const) {
    const { result, saves } = await toyRun(adalora({ ...life, initRank: 3, targetRank: 3, compat }));
    expect(saves.map(liveCount)).toEqual(Array(24).fill(6));
    result.dispose();
  }
  expect(() => adalora({ initRank: 3, targetRank: 4 })).toThrow('targetRank 4 is larger than initRank 3');
});

describe('D5: a skipped or repeated step is an error', () => {
  const strategy = adalora(life);
  const { state } = strategy.init({
    targets: layerStack([6, 5, 4], 3).targets,
    seed: 0,
    totalSteps: 24,
    weightOf: () => tf.zeros([1]),
  });
  const after = (step: number): AdaLoraState => ({ ...state, step });

  test.each([
    [15, 17, 'this is step 17, but 15 steps are completed, so step 16 is next'],
    [15, 15, 'this is step 15, but 15 steps are completed, so step 16 is next'],
    [0, 16, 'this is step 16, but 0 steps are completed, so step 1 is next'],
  ])('after %i steps, step %i', async (done, step, said) => {
    const message = `adalora: ${said}; run every step once and in order, and resume from the state saved after the last one.`;
    const clock = { step, totalSteps: 24 };
    expect(() => strategy.inputs?.(after(done), clock)).toThrow(message);
    const advanced = strategy.advance?.({} as never, { params: {}, state: after(done) }, clock);
    await expect(advanced).rejects.toThrow(message);
  });

  test('a life of another length', () => {
    expect(() => strategy.inputs?.(after(3), { step: 4, totalSteps: 48 })).toThrow(
      'adalora: the life has 48 steps now, but had 24 when it began, and the budget depends on it; continue with the length it began with.',
    );
  });

  test('the numbers of a right step', () => {
    expect(strategy.inputs?.(after(15), { step: 16, totalSteps: 24 })).toEqual({
      budget: 2,
      prune: 1,
      sensitivityRate: 1 - 0.85,
      uncertaintyRate: 1 - 0.85,
    });
    const python = adalora({ ...life, compat: 'peft' });
    expect(python.inputs?.(after(15), { step: 16, totalSteps: 24 })).toEqual({
      budget: 2,
      prune: 1,
      sensitivityRate: 0,
      uncertaintyRate: 0,
    });
    expect(python.inputs?.(after(14), { step: 15, totalSteps: 24 })).toMatchObject({ sensitivityRate: 1 - 0.85 });
  });
});

test.each([{}, { compact: false }, { compat: 'peft' }] as const)(
  'D6: a run resumed in the middle of its budget ends as if it had not stopped (%o)',
  async (more) => {
    const strategy = () => adalora({ ...life, allocateEvery: 2, ...more });
    const whole = await toyRun(strategy());
    const last = at(whole.saves, 24);
    for (const step of [2, 9, 15, 16, 20]) {
      const resumed = await toyRun(strategy(), { resume: at(whole.saves, step) });
      expect(at(resumed.saves, 24 - step).tensors).toEqual(last.tensors);
      resumed.result.dispose();
    }
    expect(liveCount(last)).toBe(2);
    whole.result.dispose();
  },
);

test('D7: an adapter saved between two prunings keeps the triplets that came back', async () => {
  const model = layerStack([6, 5, 4], 3);
  const strategy = adalora({ ...life, allocateEvery: 6 });
  const { saves, result } = await toyRun(strategy, { steps: 24 }, model);
  result.dispose();
  for (const step of [5, 6, 8, 11]) {
    const { tensors } = at(saves, step);
    const params = Object.fromEntries(
      ['l0', 'l1'].map((path) => {
        const leaf = (part: string) => toTensor(tensors[`adapter/${path}/${part}`] as never);
        return [path, { a: leaf('a'), lambda: leaf('lambda'), b: leaf('b') }];
      }),
    );
    const mask = Object.fromEntries(
      ['l0', 'l1'].map((path) => [path, toTensor(tensors[`strategy/mask/${path}`] as never)]),
    );
    const state = { step, totalSteps: 24, mask, averages: {} };
    const adapter = { params, state };
    const trained = { ...result.adapter, strategy: strategy as AnyStrategy, adapter };
    const file = await adaloraFileFormat.encode(trained as never);
    const kept = Object.values(file.tensors).reduce((sum, parts) => sum + (parts.lambda?.data.length ?? 0), 0);
    const isJustPruned = step === 6;
    expect(kept, `step ${step}`).toBe(isJustPruned ? liveCount(at(saves, step)) : 8);
    expect(file.config.rankPattern === null, `step ${step}`).toBe(!isJustPruned);
  }
});

test('D8: a target that the loss does not reach is named', async () => {
  const model = layerStack([6, 5, 4], 3);
  const unused = { path: 'unused', kind: 'dense', shape: [6, 5] };
  const arrays = model.weights.paths.map((path) => [path, model.weights.get(path)] as const);
  const weights = new Weights([...arrays, ['unused.weight', hostArray(new Float32Array(30), unused.shape)]]);
  const withUnused = { ...model, weights, targets: [...model.targets, unused] };
  for (const orthogonality of [0, 0.1]) {
    await expect(toyRun(adalora({ ...life, orthogonality }), {}, withUnused)).rejects.toThrow(
      'the loss does not depend on 3 trained tensors, which would never learn: adapter/unused/a, adapter/unused/b, adapter/unused/lambda.',
    );
  }
});

test('D9: there is no call to forget: a run ends at exactly its budget', async () => {
  const { result } = await toyRun(adalora(life));
  const pattern = await rankPattern(result.adapter.adapter.state as AdaLoraState);
  expect(Object.values(pattern).flat().filter(Boolean).length).toBe(2);
  result.dispose();
});

test('D10: paths that contain each other, or the words of the format, stay apart', async () => {
  const names = ['l0', 'l0.l0', 'lora_E', 'default'];
  const model = layerStack([6, 5, 5, 5, 4], 3, (index) => names[index] as string);
  const { result } = await toyRun(adalora(life), {}, model);
  const pattern = await rankPattern(result.adapter.adapter.state as AdaLoraState);
  expect(Object.keys(pattern).sort()).toEqual([...names].sort());
  expect(Object.values(pattern).flat().filter(Boolean).length).toBe(4);
  const file = await adaloraFileFormat.encode(result.adapter);
  expect(Object.keys(file.config.rankPattern as object).sort()).toEqual([...names].sort());
  expect(Object.keys(file.tensors).sort()).toEqual([...names].sort());
  result.dispose();
});

test('D11: merged weights give the output of the adapter, at one scale', async () => {
  const model = layerStack([6, 5, 4], 3);
  const { result } = await toyRun(adalora(life), {}, model);
  const attached = await attach(model, result.adapter);
  const weights = await mergeAdapter(model, result.adapter);
  const x = tf.ones([2, 6]);
  const through = await attached.apply({ x }).data();
  const merged = await model
    .apply(
      { x },
      {
        linear: (path, input) => tf.matMul(input as tf.Tensor2D, weights.tensor(`${path}.weight`) as tf.Tensor2D),
        embedding: () => x,
        parameter: () => x,
        frozen: () => undefined,
      },
    )
    .data();
  for (const [i, value] of through.entries()) expect(value).toBeCloseTo(merged[i] as number, 5);
  attached.dispose();
  weights.dispose();
  result.dispose();
});
