import { type AnyStrategy, perTarget, type Strategy, type TrainedAdapter } from '@peft/core';
import type { Tensor } from '@tensorflow/tfjs';
import { expectTypeOf } from 'vitest';
import { type LoraOptions, type LoraParams, type LoraState, type LoraStrategy, lora, loraFileFormat } from './index.ts';

expectTypeOf(lora()).toEqualTypeOf<LoraStrategy>();
expectTypeOf(lora({ rank: 4, init: 'orthogonal', rankPattern: { query: 2 } })).toExtend<
  Strategy<LoraParams, LoraState>
>();
expectTypeOf(lora({ dora: true })).toExtend<AnyStrategy>();
expectTypeOf(lora().options).toEqualTypeOf<Required<LoraOptions>>();
perTarget([{ targets: ['query'], strategy: lora() }]);

const parts = {} as LoraParams[string];
expectTypeOf(parts.a).toEqualTypeOf<Tensor>();
if ('magnitude' in parts) expectTypeOf(parts.magnitude).toEqualTypeOf<Tensor>();

expectTypeOf(loraFileFormat.encode).parameter(0).toEqualTypeOf<TrainedAdapter>();

// @ts-expect-error a rank is a number
lora({ rank: '8' });
// @ts-expect-error Python's name is not an option
lora({ r: 8 });
// @ts-expect-error not one of the initialisations
lora({ init: 'pissa' });
// @ts-expect-error options, not a rank
lora(8);
// @ts-expect-error options are not changed
lora().options.rank = 4;
