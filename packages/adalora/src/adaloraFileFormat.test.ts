import {
  type AdapterFile,
  type AnyModel,
  attach,
  combinedFactors,
  hostArray,
  type TrainedAdapter,
  type Tree,
  uploadSnapshot,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, test } from 'vitest';
import { layerStack } from '../test/layerStack.ts';
import { relativeDistance } from '../test/relativeDistance.ts';
import { toyRun } from '../test/toyRun.ts';
import { type AdaLoraOptions, type AdaLoraState, adalora, adaloraFileFormat, rankPattern } from './index.ts';

const life = { initRank: 4, targetRank: 1, alpha: 6, warmupSteps: 3, finalSteps: 8 };
const target = { path: 'l0', kind: 'dense', shape: [2, 3] };

async function outputs(model: AnyModel, trained: TrainedAdapter): Promise<Float32Array> {
  const attached = await attach(model, trained);
  const output = attached.apply({ x: tf.linspace(-1, 1, 12).reshape([2, 6]) });
  const values = (await output.data()) as Float32Array;
  attached.dispose();
  return values;
}

function decode(file: AdapterFile, trained: TrainedAdapter): TrainedAdapter {
  const { strategy, params, state } = adaloraFileFormat.decode(file, trained.targets);
  return { ...trained, strategy, adapter: { params: uploadSnapshot(params) as Tree, state: uploadSnapshot(state) } };
}

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  test.each<AdaLoraOptions>([
    {},
    { compact: false },
    { compat: 'peft' },
    { targetRank: undefined, targetBudget: 1 },
    { targetRank: 0 },
    { targetRank: 4 },
  ])('A13: written and read, an adapter with %o gives the same outputs at the same scale', async (more) => {
    const model = layerStack([6, 5, 4], 3);
    const strategy = adalora({ ...life, ...more });
    const { result } = await toyRun(strategy, {}, model);
    const file = await adaloraFileFormat.encode(result.adapter);
    const read = decode(JSON.parse(JSON.stringify(file), revive) as AdapterFile, result.adapter);
    const expected = await outputs(model, result.adapter);
    expect(relativeDistance(await outputs(model, read), expected)).toBeLessThan(1e-6);
    const options = (read.strategy as typeof strategy).options;
    expect(options.scaling).toBeCloseTo(strategy.options.scaling, 9);
    expect([options.initRank, options.warmupSteps, options.finalSteps, options.allocateEvery]).toEqual([4, 3, 8, 1]);
    expect(await rankPattern(read.adapter.state as AdaLoraState)).toEqual(
      await rankPattern(result.adapter.adapter.state as AdaLoraState),
    );
    expect(adaloraFileFormat.shapes(file.config, result.adapter.targets)).toEqual(shapesIn(file));
    const again = await adaloraFileFormat.encode(read);
    expect(again).toEqual({ ...file, config: { ...file.config, targetR: again.config.targetR } });
    for (const { path } of result.adapter.targets) {
      const [left, right] = [result.adapter, read].map((trained) =>
        combinedFactors(trained, trained.targets.find((one) => one.path === path) as typeof target),
      );
      if (more.compact !== false && more.compat === undefined) expect(right === undefined).toBe(left === undefined);
      if (left && right) {
        const [expected, found] = [left, right].map(({ a, b }) => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D));
        expect(relativeDistance(await (found as tf.Tensor).data(), await (expected as tf.Tensor).data())).toBeLessThan(
          1e-6,
        );
      }
    }
    result.dispose();
  });
});

test('the config is that of Python PEFT, whose scale adds 1e-5 to the rank', async () => {
  const { result } = await toyRun(adalora({ ...life, targetBudget: 1, targetRank: undefined }));
  const { config, tensors, peftType } = await adaloraFileFormat.encode(result.adapter);
  const pattern = config.rankPattern as Record<string, boolean[]>;
  expect(peftType).toBe('ADALORA');
  expect(config).toEqual({
    initR: 4,
    targetR: 1,
    tinit: 3,
    tfinal: 8,
    deltaT: 1,
    beta1: 0.85,
    beta2: 0.85,
    orthRegWeight: 0.1,
    totalStep: 24,
    loraAlpha: 6.000015,
    loraDropout: 0,
    rankPattern: pattern,
    bias: 'none',
    modulesToSave: null,
    targetModules: ['l0', 'l1'],
  });
  expect(Object.values(pattern).flat().filter(Boolean).length).toBe(1);
  const [dead] = Object.keys(pattern).filter((path) => !pattern[path]?.includes(true));
  const widths = dead === 'l0' ? [6, 5] : [5, 4];
  expect(tensors[dead as string]).toEqual({
    a: hostArray([], [widths[0] as number, 0]),
    lambda: hostArray([], [0]),
    b: hostArray([], [0, widths[1] as number]),
  });
  result.dispose();
});

test('a fresh adapter is written whole, without a pattern', async () => {
  const strategy = adalora(life);
  const adapter = strategy.init({ targets: [target], seed: 1, totalSteps: 24, weightOf: () => tf.zeros([1]) });
  const trained = { strategy, adapter, targets: [target], bias: 'adapted', modulesToSave: ['head'] };
  const { config, tensors } = await adaloraFileFormat.encode(trained as never);
  expect([config.rankPattern, config.bias, config.modulesToSave]).toEqual([null, 'lora_only', ['head']]);
  expect([tensors.l0?.a?.shape, tensors.l0?.lambda?.shape, tensors.l0?.b?.shape]).toEqual([[2, 4], [4], [4, 3]]);
});

test('an adapter of another strategy is refused', async () => {
  const trained = { strategy: { name: 'lora' }, adapter: { params: {}, state: {} }, targets: [] };
  await expect(adaloraFileFormat.encode(trained as never)).rejects.toThrow(
    'adaloraFileFormat writes adapters that adalora() made, and strategy "lora" is another; use that strategy\'s own fileFormat.',
  );
});

describe('files that cannot be used', () => {
  const good: AdapterFile = {
    peftType: 'ADALORA',
    config: { initR: 2, targetR: 1, totalStep: 9, loraAlpha: 4, rankPattern: { l0: [false, true] } },
    tensors: { l0: { a: hostArray([1, 2], [2, 1]), lambda: hostArray([3]), b: hostArray([4, 5, 6], [1, 3]) } },
  };
  const said = (file: Partial<AdapterFile>) => {
    try {
      adaloraFileFormat.decode({ ...good, ...file }, [target]);
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing';
  };

  test('the good one', () => {
    const { params, state } = adaloraFileFormat.decode(good, [target]);
    expect(Object.keys(params)).toEqual(['l0/a', 'l0/lambda', 'l0/b']);
    expect(state).toEqual({ step: 9, totalSteps: 9, 'mask/l0': hostArray([0, 1]) });
  });

  test('a finished adapter needs no length of its life, and a target without a pattern has all its ranks', () => {
    const tensors = {
      l0: { a: hostArray([1, 2, 3, 4], [2, 2]), lambda: hostArray([3, 4]), b: hostArray([1, 2, 3, 4, 5, 6], [2, 3]) },
    };
    const config = { initR: 2, targetR: 1, tinit: 3, tfinal: 4, rankPattern: {} };
    const { state } = adaloraFileFormat.decode({ ...good, config, tensors }, [target]);
    expect(state).toEqual({ step: 8, totalSteps: 8, 'mask/l0': hostArray([1, 1]) });
  });

  test('config', () => {
    expect(said({ config: { ...good.config, totalStep: 0, loraAlpha: -1, initR: '2' } })).toBe(
      [
        "adalora: the adapter's config cannot be used; save the adapter again in Python:",
        '- initR is "2".',
        '- totalStep is 0.',
        '- loraAlpha is -1.',
        '- rankPattern of "l0" is not a list of 1 booleans, one for each of initR.',
      ].join('\n'),
    );
    expect(said({ config: { ...good.config, rankPattern: { l0: [true] } } })).toBe(
      'adalora: the adapter\'s config cannot be used; save the adapter again in Python:\n- rankPattern of "l0" is not a list of 2 booleans, one for each of initR.',
    );
  });

  test('a pattern of another model', () => {
    expect(said({ config: { ...good.config, rankPattern: { l0: [false, true], l7: [true, true] } } })).toBe(
      'adalora: the adapter\'s config cannot be used; save the adapter again in Python:\n- rankPattern names "l7", which is not among the adapted targets.',
    );
  });

  test('tensors', () => {
    const tensors = { l0: { a: hostArray([1, 2, 3, 4], [2, 2]), lambda: hostArray([3]) }, l9: { a: hostArray([1]) } };
    expect(said({ tensors })).toBe(
      [
        "adalora: the adapter's tensors do not fit its config and the model, in 3 of 3 places; load the model and the config it was saved with:",
        '- l0/a is [2,2]; it should be [2,1].',
        '- l0/b is missing; it should be [1,3].',
        '- l9/a belongs to nothing.',
      ].join('\n'),
    );
  });
});

function shapesIn({ tensors }: AdapterFile) {
  return Object.fromEntries(
    Object.entries(tensors).map(([path, parts]) => [
      path,
      Object.fromEntries(Object.entries(parts).map(([part, { shape }]) => [part, shape])),
    ]),
  );
}

/** JSON turns typed arrays into records; back again. */
function revive(key: string, value: unknown): unknown {
  return key === 'data' ? Float32Array.from(Object.values(value as Record<string, number>)) : value;
}
