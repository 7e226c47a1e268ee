import { isPeftError } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { toyOptions } from '../../test/toyRun.ts';
import { hostArray } from '../hostArray.ts';
import { adamw } from '../optimizers/adamw.ts';
import { loraPlus } from '../optimizers/parameterGroup.ts';
import { sgd } from '../optimizers/sgd.ts';
import { perTarget } from '../perTarget.ts';
import type { AnyStrategy } from '../strategy.ts';
import { toyBatches } from '../testing/lawRun.ts';
import { toyData, toyModel } from '../testing/toyModel.ts';
import { toyStrategy } from '../testing/toyStrategy.ts';
import { batches } from './dataSource.ts';
import { fineTune } from './fineTune.ts';
import { classification } from './loss.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const columns = toyData();
const strategy = toyStrategy() as AnyStrategy;
const store = { save: async () => {}, load: async () => undefined };
const validation = batches(columns, { batchSize: 6 });

const emptyState = {
  version: 1,
  strategy: 'toy',
  fingerprint: '',
  seed: 5,
  step: 2,
  totalSteps: 6,
  position: { epoch: 0, batch: 2 },
  targets: [],
  tensors: {},
  starts: {},
  finished: [],
};

/** A leaf whose shape is not that of its values. */
const wrongLeaf = { dtype: 'float32', shape: [3], data: new Float32Array(2) };

/** A wrong call, whose arguments the types would often refuse, and all that it says. */
type Case = readonly [what: string, call: () => unknown, says: string];

const train = (changes: Readonly<Record<string, unknown>>) => () => {
  const run = fineTune(toyModel(), { ...toyOptions(), ...changes } as never);
  return run.result;
};

const cases: Readonly<Record<string, readonly Case[]>> = {
  targets: [
    [
      'no targets',
      train({ targets: undefined }),
      'option/conflict: fineTune: strategy "toy" needs targets; pass targets, for example "all-linear".',
    ],
    [
      'targets without a strategy',
      train({ strategy: undefined, modulesToSave: ['head'] }),
      'option/conflict: fineTune: targets are given without a strategy to adapt them; pass strategy.',
    ],
    [
      'a module to save that is not there',
      train({ modulesToSave: ['heads', 'pooler'] }),
      'target/no-module: modulesToSave: no parameter lies under "heads", "pooler"; name a module of the model, such as "embed".',
    ],
    [
      'nothing to train',
      train({ strategy: undefined, targets: undefined }),
      'option/conflict: fineTune: nothing would train; pass a strategy with targets, modulesToSave, bias or trainableTokens.',
    ],
    ['no route', () => perTarget([]), 'strategy/no-routes: perTarget: no routes were given; pass at least one.'],
    [
      'a target with no route and one with two',
      train({
        strategy: perTarget([
          { targets: ['query'], strategy },
          { targets: ['layer.1.query'], strategy },
        ]),
      }),
      'strategy/routes: perTarget: every target needs exactly one route, but 2 have none or several: embed (0 routes), layer.1.query (2 routes). Add a route or narrow the selections.',
    ],
  ],
  options: [
    [
      'accumulate 0',
      train({ accumulate: 0 }),
      'option/range: fineTune: accumulate is 0; it must be a whole number at least 1.',
    ],
    [
      'a seed that is no unsigned integer',
      train({ seed: -1 }),
      'option/range: fineTune: seed is -1; it must be a whole number at least 0 and below 4294967296.',
    ],
    [
      'a norm of 0',
      train({ maxGradientNorm: 0 }),
      'option/range: fineTune: maxGradientNorm is 0; it must be a number above 0.',
    ],
    [
      'steps and epochs',
      train({ epochs: 1 }),
      'option/length: fineTune: steps and epochs are both given; pass one of the two.',
    ],
    [
      'neither',
      train({ steps: undefined }),
      'option/length: fineTune: neither steps nor epochs is given; pass one of the two.',
    ],
    [
      'half a step',
      train({ steps: 2.5 }),
      'option/range: fineTune: steps is 2.5; it must be a whole number at least 1.',
    ],
    [
      'epochs 0',
      train({ steps: undefined, epochs: 0 }),
      'option/range: fineTune: epochs is 0; it must be a number above 0.',
    ],
    [
      'an unknown bias mode',
      train({ bias: 'lora_only' }),
      'option/conflict: fineTune: bias is "lora_only"; it must be "none", "all" or "adapted".',
    ],
    [
      'no optimizer',
      train({ optimizer: undefined }),
      'option/conflict: fineTune: optimizer is missing; pass one, for example adamw().',
    ],
    [
      'no loss',
      train({ loss: undefined }),
      'option/conflict: fineTune: loss is missing; pass one, for example classification().',
    ],
    [
      'two groups of one name',
      train({ groups: [loraPlus(2), loraPlus(3)] }),
      'optimizer/group-twice: two parameter groups are called "lora-plus"; give each a name of its own.',
    ],
    [
      'a negative factor',
      train({ groups: [{ name: 'head', match: /head/, learningRateFactor: -1 }] }),
      'option/range: parameter group "head": learningRateFactor is -1; it must be a number at least 0.',
    ],
    ['LoRA+ below 1', () => loraPlus(0.5), 'option/range: loraPlus: ratio is 0.5; it must be a number at least 1.'],
    [
      'betas of 1 and more',
      () => adamw({ beta1: 1, beta2: 1.5 }),
      'option/range: adamw: beta1 is 1, beta2 is 1.5; it must be a number at least 0 and below 1.',
    ],
    [
      'the learning rate given to the optimizer',
      () => adamw({ lr: 1e-3, betas: [0.9, 0.99] } as never),
      'option/unknown: adamw: "lr", "betas" are no options; the options are beta1, beta2, epsilon, weightDecay.',
    ],
    [
      'an option that sgd does not have',
      () => sgd({ lr: 0.1 } as never),
      'option/unknown: sgd: "lr" is no option; the options are momentum, nesterov, weightDecay.',
    ],
    [
      'a momentum that is not a number',
      () => sgd({ momentum: Number.NaN }),
      'option/range: sgd: momentum is NaN; it must be a number at least 0 and below 1.',
    ],
    [
      'nesterov without momentum',
      () => sgd({ nesterov: true }),
      'option/conflict: sgd: nesterov needs a momentum above 0; pass momentum or leave nesterov out.',
    ],
    [
      'early stopping without evaluation',
      train({ earlyStopping: { patience: 2 } }),
      'option/conflict: fineTune: earlyStopping and keepBest need evaluation data; pass evaluation.',
    ],
    [
      'patience 0',
      train({ earlyStopping: { patience: 0 }, evaluation: { data: validation } }),
      'option/range: earlyStopping: patience is 0; it must be a whole number at least 1.',
    ],
    [
      'a metric the loss does not report',
      train({ evaluation: { data: validation, metric: 'accuracy' } }),
      'option/conflict: fineTune: evaluation.metric is "accuracy"; this loss reports loss.',
    ],
    [
      'a metric that may be better either way',
      train({ loss: classification(), evaluation: { data: validation, metric: 'accuracy' } }),
      'option/conflict: fineTune: evaluation.metric is "accuracy" without a mode; pass mode: "max" if more is better, or "min".',
    ],
    [
      'the method instead of what it returns',
      train({ strategy: toyStrategy }),
      'option/conflict: fineTune: strategy is a function, which is none; pass what a method returns, for example lora({ rank: 8 }).',
    ],
    [
      'options of other names',
      train({ epoch: 3 }),
      'option/unknown: fineTune: "epoch" is no option; the options are strategy, targets, exclude, layers, layersPattern, modulesToSave, bias, trainableTokens, loss, data, steps, epochs, accumulate, optimizer, schedule, groups, maxGradientNorm, seed, evaluation, earlyStopping, keepBest, keepLinks, checkpoints, resume, from, engine, signal, onEvent, onWarning, progress.',
    ],
    [
      'no options at all',
      () => fineTune(toyModel(), undefined as never),
      'option/missing: fineTune: no options were given; loss, data, optimizer, schedule and steps or epochs are needed.',
    ],
    [
      'an unknown mode',
      train({ evaluation: { data: validation, mode: 'largest' } }),
      'option/conflict: fineTune: evaluation.mode is "largest"; it must be "min" or "max".',
    ],
    [
      'evaluation every 0 steps',
      train({ evaluation: { data: validation, every: 0 } }),
      'option/range: fineTune: evaluation: every is 0; it must be a whole number at least 1.',
    ],
    [
      'the best state without links',
      train({ keepBest: true, keepLinks: false, evaluation: { data: validation } }),
      'option/conflict: fineTune: keepBest may have to go back before a merge, but keepLinks is false; drop one of the two.',
    ],
    [
      'checkpoints without links',
      train({ keepLinks: false, checkpoints: { store, every: 1 } }),
      'option/conflict: fineTune: checkpoints need the finished links, but keepLinks is false; drop one of the two.',
    ],
    [
      'checkpoints every 0 steps',
      train({ checkpoints: { store, every: 0 } }),
      'option/range: fineTune: checkpoints: every is 0; it must be a whole number at least 1.',
    ],
    [
      'all that is wrong, at once',
      train({ steps: undefined, accumulate: -1, targets: undefined, bias: 'some', schedule: -1 }),
      'option/range: fineTune: 5 options are wrong:\n- fineTune: schedule is -1; it must be a number at least 0.\n- fineTune: bias is "some"; it must be "none", "all" or "adapted".\n- fineTune: accumulate is -1; it must be a whole number at least 1.\n- fineTune: strategy "toy" needs targets; pass targets, for example "all-linear".\n- fineTune: neither steps nor epochs is given; pass one of the two.',
    ],
  ],
  models: [
    [
      'a model of tfjs',
      () => fineTune(tf.sequential() as never, toyOptions()),
      'model/record: fineTune: the model lacks targets (a list), weights (new Weights(...)); pass a record { targets, weights, apply }, or a model that loadPretrained of @peft/models read.',
    ],
    [
      'no model',
      () => fineTune(undefined as never, toyOptions()),
      'model/record: fineTune: the model lacks targets (a list), weights (new Weights(...)), apply (a function of batch and at); pass a record { targets, weights, apply }, or a model that loadPretrained of @peft/models read.',
    ],
    [
      'a target that lies about its weight',
      () => {
        const model = toyModel();
        const targets = model.targets.map((target) =>
          target.path === 'embed' ? { ...target, shape: [2, 3] } : target,
        );
        return fineTune({ ...model, targets }, toyOptions());
      },
      'model/target-shape: fineTune: targets disagree with their weights: "embed" says [2,3], its weight is [7,6]; give each target the shape of its weight, [in, out] where it is dense.',
    ],
  ],
  schedules: [
    [
      'a negative rate',
      train({ schedule: -0.1 }),
      'option/range: fineTune: schedule is -0.1; it must be a number at least 0.',
    ],
    [
      'no schedule',
      train({ schedule: undefined }),
      'option/conflict: fineTune: schedule is undefined; pass a learning rate or a function of the step, for example warmup(100, linear(5e-4)).',
    ],
    [
      'the name of a schedule',
      train({ schedule: 'linear' }),
      'option/conflict: fineTune: schedule is "linear"; pass a learning rate or a function of the step, for example warmup(100, linear(5e-4)).',
    ],
    [
      'a schedule that ends in NaN',
      train({ schedule: (step: number) => (step < 2 ? 0.1 : Number.NaN) }),
      'schedule/rate: the schedule gives NaN at step 2 of 6; a learning rate is a finite number of at least 0.',
    ],
    [
      'a schedule below 0',
      train({ schedule: (step: number) => 0.1 - step }),
      'schedule/rate: the schedule gives -0.9 at step 1 of 6; a learning rate is a finite number of at least 0.',
    ],
  ],
  data: [
    [
      'no data',
      train({ data: undefined }),
      'option/conflict: fineTune: data is neither a data source nor an iterable of batches; pass one, for example batches(columns, { batchSize }).',
    ],
    [
      'the columns themselves as evaluation data',
      train({ evaluation: { data: columns } }),
      'option/conflict: fineTune: evaluation.data is neither a data source nor an iterable of batches; pass one, for example batches(columns, { batchSize }).',
    ],
    [
      'no columns',
      () => batches({}, { batchSize: 1 }),
      'data/empty: batches: no columns were given; pass at least one.',
    ],
    [
      'plain arrays as columns',
      () => batches({ x: [[1], [2]] } as never, { batchSize: 1 }),
      'data/not-an-array: batches: column "x" is not a host array; pass { dtype, shape, data } (hostArray() makes one).',
    ],
    [
      'no size of a batch',
      () => batches(columns, undefined as never),
      'option/range: batches: batchSize is undefined; it must be a whole number at least 1.',
    ],
    [
      'no rows',
      () => batches({ x: hostArray([], [0]) }, { batchSize: 1 }),
      'data/empty: batches: 0 rows make no batch of 1; add rows or lower batchSize.',
    ],
    [
      'too few rows',
      () => batches({ x: hostArray([1]) }, { batchSize: 2, dropLast: true }),
      'data/empty: batches: 1 rows make no batch of 2 with dropLast; add rows or lower batchSize.',
    ],
    [
      'batches of none',
      () => batches(columns, { batchSize: 0 }),
      'option/range: batches: batchSize is 0; it must be a whole number at least 1.',
    ],
    [
      'columns of different lengths',
      () => batches({ x: hostArray([1, 2]), y: hostArray([1]) }, { batchSize: 1 }),
      'data/rows: batches: columns differ in rows: "x" 2, "y" 1; every column needs one row per example.',
    ],
    [
      'a column that lies about its shape',
      () => batches({ x: { dtype: 'float32', shape: [3], data: new Float32Array(2) } }, { batchSize: 1 }),
      'data/shape: batches: column "x" has 2 values but shape [3].',
    ],
    [
      'an array that lies about its shape',
      () => hostArray([1, 2, 3], [2, 2]),
      'data/shape: an array of 3 values cannot have shape [2,2] (4 values); pass the shape of the data.',
    ],
    [
      'a plain array in a batch',
      train({ data: [{ ids: [1, 2] }] }),
      'data/not-an-array: column "ids" of batch 0, epoch 0, is not a host array; pass { dtype, shape, data } (hostArray() makes one).',
    ],
    [
      'a batch that lies about its shape',
      train({ data: [{ ids: { dtype: 'int32', shape: [2, 2], data: new Int32Array(2) } }] }),
      'data/shape: column "ids" of batch 0, epoch 0, has 2 values but shape [2,2] (4); fix the shape or the values.',
    ],
    [
      'no column of targets',
      train({ data: [{ ids: columns.ids }] }),
      'data/column: the batch has no column "targets"; it has ids.',
    ],
    [
      'targets of another shape than the output',
      train({ data: [{ ...columns, targets: hostArray(new Float32Array(24 * 2), [24, 2]) }] }),
      'data/shape: batch column "targets" has shape [24,2] but the model\'s output has [24,2,3]; regression compares them element by element.',
    ],
    [
      'integers as regression targets',
      train({ data: [{ ...columns, targets: columns.ids }] }),
      'data/targets: batch column "targets" is int32; regression targets must be floats.',
    ],
    [
      'floats as labels',
      train({ loss: classification({ labels: 'targets' }) }),
      'data/labels: batch column "targets" is float32; class indices must be int32.',
    ],
    [
      'an iterable that is too short',
      train({ data: toyBatches().slice(0, 2) }),
      'data/exhausted: the data ended after 2 batches of epoch 0; a plain iterable is read once: give it enough batches for all steps, or pass a data source such as batches().',
    ],
    [
      'a source without batches',
      train({ data: { batches: () => [] } }),
      'data/exhausted: the data ended after 0 batches of epoch 0; an epoch needs at least one batch.',
    ],
    [
      'epochs over an iterable',
      train({ steps: undefined, epochs: 1, data: toyBatches() }),
      'option/epochs: fineTune: epochs needs a data source that knows its batchesPerEpoch; pass steps instead.',
    ],
    [
      'evaluation data that is read up',
      train({ evaluation: { data: once(), every: 1 } }),
      'data/empty: the evaluation data has no counted items; pass a source that can be read more than once, such as batches().',
    ],
    [
      'a batch of ignored labels',
      train(labelled(-100)),
      'data/no-counted: step 1: every item of the batch is ignored, so there is nothing to learn from; drop such batches.',
    ],
    [
      'a label beyond the classes',
      train(labelled(3)),
      'data/labels: batch column "labels" holds label 3 at position 0; the model has 3 classes, so labels are 0 to 2, or -100 to ignore a row.',
    ],
  ],
  resume: [
    [
      'a plain iterable',
      train({ data: toyBatches(), resume: emptyState }),
      'option/conflict: fineTune: a plain iterable cannot be resumed: it has no position to return to; pass a data source such as batches().',
    ],
    [
      'checkpoints over a plain iterable',
      train({ data: toyBatches(), checkpoints: { store, every: 1 } }),
      'option/conflict: fineTune: a run over a plain iterable cannot be resumed, so saving its state is of no use; pass a data source such as batches().',
    ],
    ...(
      [
        ['a text', '"save-000001"', 'a string'],
        ['nothing', null, 'null'],
        ['a list', [], 'an array'],
      ] as const
    ).map(
      ([what, resume, kind]): Case => [
        what,
        train({ resume }),
        `resume/state: fineTune: resume is no training state; pass what store.load() or run.state() gave:\n- the state is ${kind}, and an object is expected.`,
      ],
    ),
    [
      'a state that was not waited for',
      train({ resume: Promise.resolve(undefined) }),
      'resume/state: fineTune: resume is a promise; pass await store.load() or await run.state().',
    ],
    [
      'a record of something else',
      train({ resume: {} }),
      `resume/state: fineTune: resume is no training state; pass what store.load() or run.state() gave:
- version is absent, and a number is expected.
- strategy is absent, and a string is expected.
- fingerprint is absent, and a string is expected.
- seed is absent, and a number is expected.
- step is absent, and a number is expected.
- totalSteps is absent, and a number is expected.
- position is absent, and an object is expected.
- targets is absent, and an array is expected.
- tensors is absent, and an object is expected.
- starts is absent, and an object is expected.
- finished is absent, and an array is expected.`,
    ],
    [
      'a state with wrong parts',
      train({
        resume: {
          ...emptyState,
          version: 0,
          step: 1.5,
          position: { epoch: -1, batch: '2' },
          targets: ['embed', 3],
          tensors: { 'adapter/a': wrongLeaf, 'adapter/b': 'x', 'adapter/c': { ...wrongLeaf, shape: [1.5] } },
          finished: [{ source: '0', targets: [], params: [], state: {} }],
          best: { step: 1, value: 'low', stale: 0, finishedCount: 0, evaluation: { loss: 1, metrics: { f: '1' } } },
          settings: { 'strategy.rank': {} },
        },
      }),
      `resume/state: fineTune: resume is no training state; pass what store.load() or run.state() gave:
- version is 0, and a whole number from 1 is expected.
- step is 1.5, and a whole number from 0 is expected.
- position.epoch is -1, and a whole number from 0 is expected.
- position.batch is a string, and a number is expected.
- targets[1] is a number, and a string is expected.
- tensors "adapter/a" has shape [3] and 2 values.
- tensors "adapter/b" is a string, and a host array or a number is expected.
- tensors "adapter/c".shape[0] is 1.5, and a whole number from 0 is expected.
- finished[0].params is an array, and an object is expected.
- best.value is a string, and a number is expected.
- best.evaluation.metrics "f" is a string, and a number is expected.
- settings "strategy.rank" is an object, and a string, a number or a boolean is expected.`,
    ],
    [
      'a state that contradicts itself',
      train({
        resume: { ...emptyState, step: 7, best: { step: 1, value: 0, stale: 0, finishedCount: 2 } },
      }),
      `resume/state: fineTune: resume is no training state; pass what store.load() or run.state() gave:
- step is 7, beyond totalSteps, 6.
- best.finishedCount is 2, and 0 links are finished.`,
    ],
  ],
  checkpoints: [
    [
      'a store that cannot save',
      train({ checkpoints: { store: {}, every: 1 } }),
      'option/conflict: fineTune: checkpoints.store cannot save; pass a store, for example trainingDirectory(path) of @peft/checkpoint.',
    ],
    [
      'no store',
      train({ checkpoints: { every: 1 } }),
      'option/conflict: fineTune: checkpoints.store cannot save; pass a store, for example trainingDirectory(path) of @peft/checkpoint.',
    ],
    [
      'an unknown failure policy',
      train({ checkpoints: { store, every: 1, onFailure: 'retry' } }),
      'option/conflict: fineTune: checkpoints.onFailure is "retry"; it must be "continue" or "stop".',
    ],
    [
      'an unknown option',
      train({ checkpoints: { store, every: 1, keep: 2 } }),
      'option/unknown: fineTune: checkpoints: "keep" is no option; the options are store, every, onFailure.',
    ],
    [
      'no options at all',
      train({ checkpoints: true }),
      'option/conflict: fineTune: checkpoints.store cannot save; pass a store, for example trainingDirectory(path) of @peft/checkpoint.',
    ],
  ],
};

describe.each(Object.entries(cases))('wrong %s', (_kind, group) => {
  it.each(group)('%s', async (_what, call, says) => {
    expect(await refusal(call)).toBe(says);
  });
});

async function refusal(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    if (isPeftError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no error';
}

function* once() {
  yield* toyBatches();
}

function labelled(label: number) {
  const labels = hostArray(new Int32Array(48).fill(label), [24, 2]);
  return { loss: classification(), data: [{ ids: columns.ids, labels }] };
}
