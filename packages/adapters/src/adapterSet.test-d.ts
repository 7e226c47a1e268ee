import type { AnyModel, HostArray, TensorBatch } from '@peft/core';
import type { Tensor } from '@tensorflow/tfjs';
import { type AdapterChoice, adapterSet } from './index.ts';

declare const model: AnyModel;
declare const batch: TensorBatch;
declare const columns: Readonly<Record<string, HostArray>>;

const set = adapterSet(model);
const output: Tensor = set.apply(batch, { rows: ['a', undefined, ['a', 'b'], { a: 0.3, b: 0.7 }] });
const predicted: Promise<HostArray> = set.predict(columns, { adapters: { a: -1 } });
const choices: readonly AdapterChoice[] = ['a', [], {}];
const none: number = set.whileDisabled(() => 1);
const later: Promise<number> = set.whileDisabled(async () => 1);

// @ts-expect-error -- a weight is a number
void set.activate({ a: '1' });
// @ts-expect-error -- what is active is changed by activate alone
set.active.set('a', 1);
// @ts-expect-error -- a base is chosen by an empty list, or by undefined in rows
void set.activate(undefined);
// @ts-expect-error -- apply takes tensors
set.apply(columns);

export { choices, later, none, output, predicted };
