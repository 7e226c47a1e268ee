import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { refusal, trainWith, type WrongCall } from '../../test/refusals.ts';
import { toyOptions } from '../../test/toyRun.ts';
import { eagerEngine } from '../eagerEngine.ts';
import { adamw } from '../optimizers/adamw.ts';
import { loraPlus } from '../optimizers/parameterGroup.ts';
import { sgd } from '../optimizers/sgd.ts';
import { perTarget } from '../perTarget.ts';
import type { AnyStrategy } from '../strategy.ts';
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

const cases: Readonly<Record<string, readonly WrongCall[]>> = {
  targets: [
    [
      'no targets',
      trainWith({ targets: undefined }),
      'option/conflict: fineTune: strategy "toy" needs targets; pass targets, for example "all-linear".',
    ],
    [
      'targets without a strategy',
      trainWith({ strategy: undefined, modulesToSave: ['head'] }),
      'option/conflict: fineTune: targets are given without a strategy to adapt them; pass strategy.',
    ],
    [
      'a module to save that is not there',
      trainWith({ modulesToSave: ['heads', 'pooler'] }),
      'target/no-module: modulesToSave: no parameter lies under "heads", "pooler"; name a module of the model, such as "embed".',
    ],
    [
      'nothing to train',
      trainWith({ strategy: undefined, targets: undefined }),
      'option/conflict: fineTune: nothing would train; pass a strategy with targets, modulesToSave, bias or trainableTokens.',
    ],
    ['no route', () => perTarget([]), 'strategy/no-routes: perTarget: no routes were given; pass at least one.'],
    [
      'a target with no route and one with two',
      trainWith({
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
      'an engine by its name',
      trainWith({ engine: 'cuda' as never }),
      'option/conflict: fineTune: engine is "cuda", which cannot compile; pass one, for example onnxEngine() of @peft/onnx-backend, or leave it out.',
    ],
    [
      'an engine that was not called',
      trainWith({ engine: eagerEngine as never }),
      'option/conflict: fineTune: engine is a function, which cannot compile; pass one, for example onnxEngine() of @peft/onnx-backend, or leave it out.',
    ],
    [
      'accumulate 0',
      trainWith({ accumulate: 0 }),
      'option/range: fineTune: accumulate is 0; it must be a whole number at least 1.',
    ],
    [
      'a seed that is no unsigned integer',
      trainWith({ seed: -1 }),
      'option/range: fineTune: seed is -1; it must be a whole number at least 0 and below 4294967296.',
    ],
    [
      'a norm of 0',
      trainWith({ maxGradientNorm: 0 }),
      'option/range: fineTune: maxGradientNorm is 0; it must be a number above 0.',
    ],
    [
      'steps and epochs',
      trainWith({ epochs: 1 }),
      'option/length: fineTune: steps and epochs are both given; pass one of the two.',
    ],
    [
      'neither',
      trainWith({ steps: undefined }),
      'option/length: fineTune: neither steps nor epochs is given; pass one of the two.',
    ],
    [
      'half a step',
      trainWith({ steps: 2.5 }),
      'option/range: fineTune: steps is 2.5; it must be a whole number at least 1.',
    ],
    [
      'epochs 0',
      trainWith({ steps: undefined, epochs: 0 }),
      'option/range: fineTune: epochs is 0; it must be a number above 0.',
    ],
    [
      'an unknown bias mode',
      trainWith({ bias: 'lora_only' }),
      'option/conflict: fineTune: bias is "lora_only"; it must be "none", "all" or "adapted".',
    ],
    [
      'no optimizer',
      trainWith({ optimizer: undefined }),
      'option/conflict: fineTune: optimizer is missing; pass one, for example adamw().',
    ],
    [
      'no loss',
      trainWith({ loss: undefined }),
      'option/conflict: fineTune: loss is missing; pass one, for example classification().',
    ],
    [
      'two groups of one name',
      trainWith({ groups: [loraPlus(2), loraPlus(3)] }),
      'optimizer/group-twice: two parameter groups are called "lora-plus"; give each a name of its own.',
    ],
    [
      'a negative factor',
      trainWith({ groups: [{ name: 'head', match: /head/, learningRateFactor: -1 }] }),
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
      trainWith({ earlyStopping: { patience: 2 } }),
      'option/conflict: fineTune: earlyStopping and keepBest need evaluation data; pass evaluation.',
    ],
    [
      'patience 0',
      trainWith({ earlyStopping: { patience: 0 }, evaluation: { data: validation } }),
      'option/range: earlyStopping: patience is 0; it must be a whole number at least 1.',
    ],
    [
      'a metric the loss does not report',
      trainWith({ evaluation: { data: validation, metric: 'accuracy' } }),
      'option/conflict: fineTune: evaluation.metric is "accuracy"; this loss reports loss.',
    ],
    [
      'a metric that may be better either way',
      trainWith({ loss: classification(), evaluation: { data: validation, metric: 'accuracy' } }),
      'option/conflict: fineTune: evaluation.metric is "accuracy" without a mode; pass mode: "max" if more is better, or "min".',
    ],
    [
      'the method instead of what it returns',
      trainWith({ strategy: toyStrategy }),
      'option/conflict: fineTune: strategy is a function, which is none; pass what a method returns, for example lora({ rank: 8 }).',
    ],
    [
      'options of other names',
      trainWith({ epoch: 3 }),
      'option/unknown: fineTune: "epoch" is no option; the options are strategy, targets, exclude, layers, layersPattern, modulesToSave, bias, trainableTokens, loss, data, steps, epochs, accumulate, optimizer, schedule, groups, maxGradientNorm, seed, evaluation, earlyStopping, keepBest, keepLinks, checkpoints, resume, from, engine, signal, onEvent, onWarning, progress.',
    ],
    [
      'no options at all',
      () => fineTune(toyModel(), undefined as never),
      'option/missing: fineTune: no options were given; loss, data, optimizer, schedule and steps or epochs are needed.',
    ],
    [
      'an unknown mode',
      trainWith({ evaluation: { data: validation, mode: 'largest' } }),
      'option/conflict: fineTune: evaluation.mode is "largest"; it must be "min" or "max".',
    ],
    [
      'evaluation every 0 steps',
      trainWith({ evaluation: { data: validation, every: 0 } }),
      'option/range: fineTune: evaluation: every is 0; it must be a whole number at least 1.',
    ],
    [
      'the best state without links',
      trainWith({ keepBest: true, keepLinks: false, evaluation: { data: validation } }),
      'option/conflict: fineTune: keepBest may have to go back before a merge, but keepLinks is false; drop one of the two.',
    ],
    [
      'checkpoints without links',
      trainWith({ keepLinks: false, checkpoints: { store, every: 1 } }),
      'option/conflict: fineTune: checkpoints need the finished links, but keepLinks is false; drop one of the two.',
    ],
    [
      'checkpoints every 0 steps',
      trainWith({ checkpoints: { store, every: 0 } }),
      'option/range: fineTune: checkpoints: every is 0; it must be a whole number at least 1.',
    ],
    [
      'all that is wrong, at once',
      trainWith({ steps: undefined, accumulate: -1, targets: undefined, bias: 'some', schedule: -1 }),
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
      trainWith({ schedule: -0.1 }),
      'option/range: fineTune: schedule is -0.1; it must be a number at least 0.',
    ],
    [
      'no schedule',
      trainWith({ schedule: undefined }),
      'option/conflict: fineTune: schedule is undefined; pass a learning rate or a function of the step, for example warmup(100, linear(5e-4)).',
    ],
    [
      'the name of a schedule',
      trainWith({ schedule: 'linear' }),
      'option/conflict: fineTune: schedule is "linear"; pass a learning rate or a function of the step, for example warmup(100, linear(5e-4)).',
    ],
    [
      'a schedule that ends in NaN',
      trainWith({ schedule: (step: number) => (step < 2 ? 0.1 : Number.NaN) }),
      'schedule/rate: the schedule gives NaN at step 2 of 6; a learning rate is a finite number of at least 0.',
    ],
    [
      'a schedule below 0',
      trainWith({ schedule: (step: number) => 0.1 - step }),
      'schedule/rate: the schedule gives -0.9 at step 1 of 6; a learning rate is a finite number of at least 0.',
    ],
  ],
  checkpoints: [
    [
      'a store that cannot save',
      trainWith({ checkpoints: { store: {}, every: 1 } }),
      'option/conflict: fineTune: checkpoints.store cannot save; pass a store, for example trainingDirectory(path) of @peft/checkpoint.',
    ],
    [
      'a path',
      trainWith({ checkpoints: './run' }),
      'option/unknown: fineTune: checkpoints is "./run"; pass a record of its options: store, every, onFailure.',
    ],
    [
      'no store',
      trainWith({ checkpoints: { every: 1 } }),
      'option/conflict: fineTune: checkpoints.store cannot save; pass a store, for example trainingDirectory(path) of @peft/checkpoint.',
    ],
    [
      'an unknown failure policy',
      trainWith({ checkpoints: { store, every: 1, onFailure: 'retry' } }),
      'option/conflict: fineTune: checkpoints.onFailure is "retry"; it must be "continue" or "stop".',
    ],
    [
      'an unknown option',
      trainWith({ checkpoints: { store, every: 1, keep: 2 } }),
      'option/unknown: fineTune: checkpoints: "keep" is no option; the options are store, every, onFailure.',
    ],
    [
      'no options at all',
      trainWith({ checkpoints: true }),
      'option/unknown: fineTune: checkpoints is true; pass a record of its options: store, every, onFailure.',
    ],
  ],
};

describe.each(Object.entries(cases))('wrong %s', (_kind, group) => {
  it.each(group)('%s', async (_what, call, says) => {
    expect(await refusal(call)).toBe(says);
  });
});
