// What Python PEFT 0.21.2 does in these cases, fixtures/python/adalora_traps.py shows.
import {
  type AnyModel,
  type AnyStrategy,
  adaptedAt,
  attach,
  batches,
  evaluate,
  hostArray,
  type Loss,
  mergeAdapter,
  perTarget,
  regression,
  type TrainingState,
  toTensor,
  Weights,
} from '@peft/core';
import { toyStrategy } from '@peft/core/testing';
import { normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { layerStack } from '../test/layerStack.ts';
import { liveCount, stateValues } from '../test/stateValues.ts';
import { toyData, toyRun } from '../test/toyRun.ts';
import { type AdaLoraState, adalora, adaloraFileFormat, rankPattern } from './index.ts';

const life = { initRank: 4, targetRank: 1, alpha: 8, warmupSteps: 3, finalSteps: 8 };

const steps = ({ events }: Awaited<ReturnType<typeof toyRun>>) => events.filter((event) => event.type === 'step');
const at = (saves: readonly TrainingState[], step: number) => saves[step - 1] as TrainingState;

describe('Python PEFT: deltaT 0 divides by zero in the first step; total_step 200 in a loop of 20 steps ends at 10 ranks of a budget of 4, without a word (1.3)', () => {
  test('here: allocateEvery 0 is refused at once', () => {
    expect(() => adalora({ ...life, allocateEvery: 0 })).toThrow(
      'adalora: allocateEvery is 0; it must be a whole number at least 1.',
    );
  });

  test('here: the budget falls over the steps that the run has, and is reached in each', async () => {
    for (const length of [13, 30]) {
      const { result, saves } = await toyRun(adalora(life), { steps: length });
      expect(liveCount(at(saves, length)), `${length} steps`).toBe(2);
      result.dispose();
    }
  });
});

describe('Python PEFT: without a task_type the orthogonality term is left out: an untrained GPT-2 adapter has the loss 3.679, with one 5.388 (D1)', () => {
  const absolute: Loss = {
    name: 'absolute',
    count: (batch) => batch.targets?.data.length ?? 0,
    sum: (output, batch) => tf.sum(tf.abs(tf.sub(output, batch.targets as tf.Tensor))) as tf.Scalar,
  };

  test('here: the term trains whatever the loss is', async () => {
    for (const loss of [regression(), absolute]) {
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
    }
  });
});

describe('Python PEFT: the term is in the loss of evaluations, 5.388 instead of 3.679; a loaded adapter called with labels fails with an AttributeError (D2)', () => {
  test('here: evaluation is the task loss alone, in the run and of a finished adapter', async () => {
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
});

describe('Python PEFT: the scale stays alpha / init_r at ranks 3 and 1 of 6, as its authors intend (D3)', () => {
  test('here: the scale does not follow the kept ranks either', async () => {
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
});

describe('Python PEFT: target_r 6 or 7 of init_r 6 fails in the first mask: kthvalue(), selected number k out of range (D4)', () => {
  test('here: a target rank equal to the initial one prunes nothing, a higher one is refused at once', async () => {
    for (const compat of [undefined, 'peft'] as const) {
      const { result, saves } = await toyRun(adalora({ ...life, initRank: 3, targetRank: 3, compat }));
      expect(saves.map(liveCount)).toEqual(Array(24).fill(6));
      result.dispose();
    }
    expect(() => adalora({ initRank: 3, targetRank: 4 })).toThrow('targetRank 4 is larger than initRank 3');
  });
});

describe('Python PEFT: without a call at step total_step - tfinal it fails on a pattern that is None, or keeps an older one: 5 ranks of a budget of 4 (D5)', () => {
  const strategy = adalora(life);
  const { state } = strategy.init({
    targets: layerStack([6, 5, 4], 3).targets,
    seed: 0,
    totalSteps: 24,
    weightOf: () => tf.zeros([1]),
  });
  const after = (step: number): AdaLoraState => ({ ...state, step });

  test('here: a skipped or repeated step is an error that names the next', async () => {
    for (const [done, step, said] of [
      [15, 17, 'this is step 17, but 15 steps are completed, so step 16 is next'],
      [15, 15, 'this is step 15, but 15 steps are completed, so step 16 is next'],
      [0, 16, 'this is step 16, but 0 steps are completed, so step 1 is next'],
    ] as const) {
      const message = `adalora: ${said}; run every step once and in order, and resume from the state saved after the last one.`;
      const clock = { step, totalSteps: 24 };
      expect(() => strategy.inputs?.(after(done), clock)).toThrow(message);
      const advanced = strategy.advance?.({} as never, { params: {}, state: after(done) }, clock);
      await expect(advanced).rejects.toThrow(message);
    }
  });

  test('here: so is a life that changes its length', () => {
    expect(() => strategy.inputs?.(after(3), { step: 4, totalSteps: 48 })).toThrow(
      'adalora: the life has 48 steps now, but had 24 when it began, and the budget depends on it; continue with the length it began with.',
    );
  });

  test('here: the last pruning is a step like every other', () => {
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

describe('Python PEFT: a run resumed from 8 ranks, its budget after 7 of 40 steps, masks 4 more than it should at once and has no rank left from step 18 on (D6)', () => {
  test('here: a run resumed in the middle of its budget ends as if it had not stopped', async () => {
    for (const more of [{}, { compact: false }, { compat: 'peft' }] as const) {
      const strategy = () => adalora({ ...life, allocateEvery: 2, ...more });
      const whole = await toyRun(strategy());
      const last = at(whole.saves, 24);
      for (const step of [9, 15, 20]) {
        const resumed = await toyRun(strategy(), { resume: at(whole.saves, step) });
        expect(at(resumed.saves, 24 - step).tensors).toEqual(last.tensors);
        resumed.result.dispose();
      }
      expect(liveCount(last)).toBe(2);
      whole.result.dispose();
    }
  });
});

describe('Python PEFT: an adapter saved between two masks loses the triplets that came back: 12 live ones, 5 and 4 in the file, outputs off by 0.55 and 1.3 (D7)', () => {
  test('here: it keeps them, and is written without a pattern', async () => {
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
});

describe('Python PEFT: gradients cleared before the allocator, or a target that the loss does not reach: TypeError, Parameter * NoneType (D8)', () => {
  test('here: a target that the loss does not reach is named before anything is trained on it', async () => {
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
});

describe('Python PEFT: a loop without update_and_allocate ends at 12 ranks of a budget of 4, without a word (D9)', () => {
  test('here: there is no call to forget: a run ends at exactly its budget', async () => {
    const { result } = await toyRun(adalora(life));
    const pattern = await rankPattern(result.adapter.adapter.state as AdaLoraState);
    expect(Object.values(pattern).flat().filter(Boolean).length).toBe(2);
    result.dispose();
  });
});

describe('Python PEFT: names are matched as substrings: an adapter l0 on a module l0 cannot be saved (KeyError), one called default fails to train beside default2 (TypeError) (D10)', () => {
  test('here: modules named after each other, the format, or an adapter stay apart', async () => {
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
});

describe('Python PEFT: unscale_layer(None) sets the scaling to alpha / r, 8 to 1.333, and forward divides by the rank again (D11)', () => {
  test('here: forward, merged weights and factors have one scale, alpha / initRank', async () => {
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
});

describe('Python PEFT: an adapter trained beside a first one for inference has no allocator: AttributeError in its first step (D13)', () => {
  test('here: it is pruned to its own budget, and the one that serves stays as it is, bit for bit', async () => {
    const model = layerStack([6, 5, 4], 3);
    const first = await toyRun(adalora(life), { seed: 1 }, model);
    const serving = await attach(model, first.result.adapter);
    const outputOf = () => serving.apply({ x: tf.ones([2, 6]) }).dataSync();
    const before = outputOf();
    const { result, saves } = await toyRun(adalora({ ...life, targetRank: 2 }), { seed: 2 }, model);
    expect(liveCount(at(saves, 24))).toBe(4);
    expect(outputOf()).toEqual(before);
    serving.dispose();
    first.result.dispose();
    result.dispose();
  });
});

describe('Python PEFT: in a model of mixed adapters AdaLoRA has neither allocator nor orthogonality term: AttributeError (D14)', () => {
  test('here: beside another method it has both', async () => {
    const mixed = perTarget([
      { targets: ['l0'], strategy: adalora(life) },
      { targets: ['l1'], strategy: toyStrategy() },
    ]);
    const run = await toyRun(mixed);
    const [adaptive] = Object.values(run.result.adapter.adapter.state) as AdaLoraState[];
    const pattern = await rankPattern(adaptive as AdaLoraState);
    expect(pattern.l0?.filter(Boolean).length).toBe(1);
    // Two factors of rank 4 near 0.
    expect(steps(run)[0]?.penalty).toBeCloseTo(0.1 * 2 * 4, 1);
    run.result.dispose();
  });
});

describe('Python PEFT: embeddings, Conv1d and attention modules are refused, and a Conv2d of two groups fails in forward: its shape is invalid (D17)', () => {
  test('here: embeddings are adapted and pruned like dense layers', async () => {
    const dense = layerStack([6, 4], 3);
    const table = { path: 'words', kind: 'embedding', shape: [9, 6] };
    const base: AnyModel = {
      targets: [table, ...dense.targets],
      weights: new Weights([
        ['words.weight', hostArray(normals(4, 54), table.shape)],
        ...dense.weights.paths.map((path) => [path, dense.weights.get(path)] as const),
      ]),
      apply: (batch, at) => at.linear('l0', at.embedding('words', batch.ids as tf.Tensor)),
    };
    const ids = hostArray(
      Int32Array.from({ length: 24 }, (_, index) => index % 9),
      [24],
    );
    const data = batches({ ids, targets: hostArray(normals(2, 96), [24, 4]) }, { batchSize: 8 });
    const { result, saves } = await toyRun(
      adalora({ ...life, targetRank: 3 }),
      { data, targets: ['words', 'l0'] },
      base,
    );
    expect(liveCount(at(saves, 24))).toBe(6);
    expect(stateValues(at(saves, 24), 'adapter/words/lambda').every((value) => value !== 0)).toBe(true);
    const adapted = await attach(base, result.adapter);
    const merged = await mergeAdapter(base, result.adapter);
    const input = { ids: tf.tensor1d([0, 3, 8, 3], 'int32') };
    const through = adapted.apply(input).dataSync();
    const inMerged = base.apply(input, adaptedAt({ weights: merged, modules: base.targets })).dataSync();
    for (const [i, value] of through.entries()) expect(value).toBeCloseTo(inMerged[i] as number, 5);
    for (const each of [adapted, merged, result]) each.dispose();
  });

  test('here: a kind of layer that the library lacks is refused by name', () => {
    const context = { targets: [{ path: 'conv', kind: 'conv1d', shape: [3, 4, 4] }], seed: 0, totalSteps: 24 };
    expect(() => adalora(life).init({ ...context, weightOf: () => tf.zeros([1]) })).toThrow(
      'target "conv" is of kind "conv1d"; known kinds are',
    );
  });
});
