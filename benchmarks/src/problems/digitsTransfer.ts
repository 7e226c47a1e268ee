import {
  type AnyModel,
  type AnyStrategy,
  adamw,
  batches,
  classification,
  evaluate,
  fold,
  type Schedule,
  type TrainedAdapter,
  Weights,
} from '@peft/core';
import { permutation } from '@peft/ops';
import type { Digit } from '@peft-examples/quickstart/src/digits.ts';
import { flatDigits, readDigits } from '../digits.ts';
import { digitsMlp, freshMlpWeights } from './digitsMlp.ts';
import { trained } from './trained.ts';

const batchSize = 32;
export const epochs = 30;

export type Parts = Readonly<Record<'train' | 'test', readonly Digit[]>>;

/** The five digits from `lowest` on, 70 : 30 in an order fixed by the seed. */
export function divide(lowest: number, seed: number): Parts {
  const rows = readDigits().filter(({ digit }) => digit >= lowest && digit < lowest + 5);
  const order = [...permutation(fold(fold(seed, 'digits'), lowest), rows.length)].map((index) => rows[index] as Digit);
  const cut = Math.round(0.7 * rows.length);
  return { train: order.slice(0, cut), test: order.slice(cut) };
}

/** The same with a seventh of the training part as its test part: what settings are chosen on. */
export function holdOut({ train }: Parts): Parts {
  const cut = Math.round((6 / 7) * train.length);
  return { train: train.slice(0, cut), test: train.slice(cut) };
}

/** The network that knows the digits 0 to 4, its accuracy there, and its accuracy on 5 to 9 before any adaptation. */
export type Base = { readonly model: AnyModel; readonly accuracy: number; readonly zeroShot: number };

/** Trains the network on the digits 0 to 4. */
export async function trainBase(seed: number): Promise<Base> {
  const known = divide(0, seed);
  const fresh = digitsMlp(freshMlpWeights(seed));
  const training = {
    modulesToSave: ['layer'],
    loss: classification(),
    data: batches(flatDigits(known.train, 0), { batchSize }),
    epochs,
    optimizer: adamw({ weightDecay: 0.01 }),
    schedule: 2e-3,
    seed: fold(seed, 'base'),
  };
  return trained(fresh, training, async (_, weights) => {
    const model = digitsMlp(new Weights(weights.paths.map((path) => [path, weights.get(path)] as const)));
    return {
      model,
      accuracy: await accuracyOf({ model, digits: known.test, lowest: 0 }),
      zeroShot: await accuracyOf({ model, digits: divide(5, seed).test, lowest: 5 }),
    };
  });
}

export type Transfer = {
  readonly base: AnyModel;
  readonly parts: Parts;
  readonly seed: number;
  /** Left out for full fine-tuning. */
  readonly strategy?: AnyStrategy | undefined;
  readonly learningRate: number;
};

/** Adapts the base to the digits 5 to 9 and gives the accuracy on the parts' test. */
export async function transfer(call: Transfer): Promise<number> {
  const { base, parts, seed, strategy, learningRate } = call;
  const data = batches(flatDigits(parts.train, 5), { batchSize });
  const training = {
    ...(strategy ? { strategy, targets: 'all-linear' } : { modulesToSave: ['layer'] }),
    loss: classification(),
    data,
    epochs,
    optimizer: adamw({ weightDecay: 0.01 }),
    schedule: linearByEpoch(learningRate, data.batchesPerEpoch as number),
    seed: fold(seed, 'transfer'),
  };
  return trained(base, training, (adapter) => accuracyOf({ model: base, adapter, digits: parts.test, lowest: 5 }));
}

/** A straight line to 0 over a life, in steps of an epoch. */
export function linearByEpoch(learningRate: number, stepsPerEpoch: number): Schedule {
  return (step, totalSteps) => learningRate * (1 - (Math.floor(step / stepsPerEpoch) * stepsPerEpoch) / totalSteps);
}

async function accuracyOf(call: {
  readonly model: AnyModel;
  readonly adapter?: TrainedAdapter;
  readonly digits: readonly Digit[];
  readonly lowest: number;
}): Promise<number> {
  const { model, adapter, digits, lowest } = call;
  const data = batches(flatDigits(digits, lowest), { batchSize: 1024, shuffle: false });
  const { metrics } = await evaluate(model, { data, loss: classification(), ...(adapter && { adapter }) });
  return metrics.accuracy as number;
}
