import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { expectTypeOf } from 'vitest';
import {
  type AnyStrategy,
  adamw,
  batches,
  type Effect,
  fineTune,
  type Model,
  perTarget,
  type Run,
  regression,
  type Strategy,
  type TrainEvent,
} from './index.ts';

type Pair = { readonly [target: string]: { readonly a: Tensor } };

declare const strategy: Strategy<Pair, { readonly count: number }>;
declare const model: Model<{ readonly ids: Tensor }>;
declare const effect: Effect;

// Whatever a strategy's data, it is a strategy to those who do not ask.
expectTypeOf(strategy).toExtend<AnyStrategy>();
expectTypeOf(strategy.init).returns.toHaveProperty('params').toEqualTypeOf<Pair>();
perTarget([{ targets: ['query'], strategy }]);

const data = batches({}, { batchSize: 1 });
const options = { loss: regression(), data, optimizer: adamw(), schedule: 1e-3 };
expectTypeOf(fineTune(model, { ...options, strategy, targets: ['query'], steps: 1 })).toEqualTypeOf<Run>();
expectTypeOf<Run>().toExtend<AsyncIterable<TrainEvent>>();

// @ts-expect-error: a route needs a strategy
perTarget([{ targets: ['query'], strategy: 42 }]);
// @ts-expect-error: without an optimizer nothing trains
fineTune(model, { loss: regression(), data, schedule: 1e-3, steps: 1 });
// @ts-expect-error: biases have three modes
fineTune(model, { ...options, bias: 'lora_only' });
// @ts-expect-error: a state holds tensors and numbers
export type Textual = Strategy<Pair, { readonly note: string }>;

// Effects are told apart by their kind.
if (effect.kind === 'merge') expectTypeOf(effect.strategy).toEqualTypeOf<AnyStrategy>();
if (effect.kind === 'select') expectTypeOf(effect.leaves).items.toHaveProperty('axis').toEqualTypeOf<number>();
// @ts-expect-error: a select names leaves, not targets
if (effect.kind === 'select') effect.targets;

export type PenaltyOf = ReturnType<NonNullable<AnyStrategy['penalty']>>;
expectTypeOf<PenaltyOf>().toEqualTypeOf<Scalar>();
