import {
  type AnyModel,
  type AnyStrategy,
  adamw,
  classification,
  type Engine,
  eagerEngine,
  type FineTuneOptions,
  fineTune,
  type HostBatch,
  hostArray,
  regression,
} from '@peft/core';
import { toyData, toyModel, toyStrategy } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { onnxEngine } from '../../src/index.ts';

const engine = onnxEngine();

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Mishap {
  readonly model?: (toy: AnyModel) => Partial<AnyModel>;
  readonly options?: Partial<FineTuneOptions>;
  readonly batches?: readonly HostBatch[];
}

const { ids, targets } = toyData();
const good: HostBatch = {
  ids: hostArray((ids.data as Int32Array).slice(0, 12), [6, 2]),
  targets: hostArray((targets.data as Float32Array).slice(0, 36), [6, 2, 3]),
};
const labelled = (label: number): HostBatch => ({
  ids: good.ids as HostBatch[string],
  labels: hostArray(Int32Array.from({ length: 12 }, (_, place) => (place === 3 ? label : place % 3))),
});
const rowsOf = (toy: AnyModel) => ({
  outputSize: undefined,
  apply: (batch: Parameters<AnyModel['apply']>[0], at: Parameters<AnyModel['apply']>[1]) =>
    tf.reshape(toy.apply(batch, at), [-1, 3]),
});

/** How three steps on the toy model end: the error, its code, the step of the state that is left, and tensors left over. */
async function endOf({ model, options, batches = [good, good, good] }: Mishap, on: Engine) {
  const before = tf.memory().numTensors;
  const toy = toyModel();
  const run = fineTune({ ...toy, ...model?.(toy) } as AnyModel, {
    strategy: toyStrategy() as AnyStrategy,
    targets: ['embed', 'query', 'head'],
    loss: regression(),
    data: { batchesPerEpoch: batches.length, batches: (_epoch, _seed, skip) => batches.slice(skip) },
    steps: 3,
    optimizer: adamw(),
    schedule: 0.01,
    progress: false,
    onWarning: () => {},
    ...options,
    engine: on,
  });
  const error = await run.result.then(
    (result) => {
      result.dispose();
      return new Error('none');
    },
    (thrown) => thrown as Error & { code?: string },
  );
  const { step } = await run.state();
  toy.weights.dispose();
  const here = /[^ ]*errors\.test\.ts:\d+:\d+/g;
  return {
    said: `${(error as { code?: string }).code}: ${error.message.replaceAll(here, 'place')}`,
    step,
    leftOver: tf.memory().numTensors - before,
  };
}

describe('what goes wrong reads compiled as it does eagerly, and leaves a state to go on from', () => {
  const mishaps: readonly (readonly [
    name: string,
    mishap: Mishap,
    end: { readonly said: string; readonly step: number },
  ])[] = [
    [
      'a NaN in the data',
      {
        batches: [
          good,
          good,
          {
            ...good,
            targets: hostArray(
              Float32Array.from({ length: 36 }, (_, i) => (i === 4 ? NaN : 0)),
              [6, 2, 3],
            ),
          },
        ],
      },
      {
        said: 'train/not-finite: training stopped at step 3: element 4 of batch column "targets" is not finite (loss NaN, penalty 0, gradientNorm NaN); the adapter is as it was after step 2. To go on, clean the data.',
        step: 2,
      },
    ],
    [
      'a learning rate that is too high',
      { options: { schedule: (step) => (step === 1 ? 1e38 : 0.01) } },
      {
        said: 'train/not-finite: training stopped at step 2: a parameter after the update is not finite (loss 2.221, penalty 0, gradientNorm 3.313); the adapter is as it was after step 1. To go on, lower the learning rate.',
        step: 1,
      },
    ],
    [
      'a label out of range, which only the loss can notice',
      { model: rowsOf, options: { loss: classification() }, batches: [labelled(0), labelled(1), labelled(7)] },
      {
        said: 'data/labels: training stopped at step 3: batch column "labels" holds label 7 at position 3; the model has 3 classes, so labels are 0 to 2, or -100 to ignore a row.',
        step: 2,
      },
    ],
    [
      'a target that the loss does not reach',
      { model: () => ({ apply: (batch, at) => at.linear('head', at.embedding('embed', batch.ids as tf.Tensor)) }) },
      {
        said: 'target/unreached: the loss does not depend on 4 trained tensors, which would never learn: adapter/layer.0.query/a, adapter/layer.0.query/b, adapter/layer.1.query/a, adapter/layer.1.query/b. Exclude their modules from targets and modulesToSave, or use them in the model.',
        step: 0,
      },
    ],
    [
      'a column of another shape',
      { batches: [good, good, { ...good, targets: hostArray(new Float32Array(24), [6, 4]) }] },
      {
        said: 'data/shape: batch column "targets" has shape [6,4] but the model\'s output has [6,2,3]; regression compares them element by element.',
        step: 2,
      },
    ],
    [
      'a column that is gone',
      { batches: [good, good, { ids: good.ids as HostBatch[string] }] },
      { said: 'data/column: the batch has no column "targets"; it has ids.', step: 2 },
    ],
  ];

  it.each(mishaps)('%s', async (_, mishap, end) => {
    expect(await endOf(mishap, eagerEngine())).toEqual({ ...end, leftOver: 0 });
    expect(await endOf(mishap, engine)).toEqual({ ...end, leftOver: 0 });
  });
});

describe('what eager steps can and compiled ones cannot is refused, by operation, place and remedy', () => {
  const sumOf = (leaves: object): tf.Tensor => tf.addN(tensorsIn(leaves).map((leaf) => tf.sum(leaf)));
  const tensorsIn = (tree: object): tf.Tensor[] =>
    Object.values(tree).flatMap((entry) => (entry instanceof tf.Tensor ? [entry] : tensorsIn(entry as object)));
  const readingStrategy: AnyStrategy = {
    ...(toyStrategy() as AnyStrategy),
    update: ({ after, state }) => ({ params: Number(sumOf(after).dataSync()[0]) > 1e9 ? {} : after, state }),
  };
  const withOutput = (change: (output: tf.Tensor) => tf.Tensor) => (toy: AnyModel) => ({
    apply: (batch: Parameters<AnyModel['apply']>[0], at: Parameters<AnyModel['apply']>[1]) =>
      change(toy.apply(batch, at)),
  });

  const refusals: readonly (readonly [name: string, mishap: Mishap, says: string])[] = [
    [
      'a strategy that reads a value in its update',
      { options: { strategy: readingStrategy } },
      'graph/value-read: capture: the function reads the result of AddN (float32[]) at place, which has no value yet. Return the tensor as an output and read it after the run, choose with tf.where instead of an if, or pass the number as an input.',
    ],
    [
      'a kernel without a row',
      {
        model: withOutput((output) =>
          tf.mul(output, tf.sum(tf.image.resizeBilinear(tf.ones([1, 2, 2, 1]) as tf.Tensor4D, [3, 3]))),
        ),
      },
      'graph/unsupported: capture: ResizeBilinear at place is no operation of the op table; write it with others, or keep this part out of the captured function.',
    ],
    [
      'a mask that would be drawn once for ever',
      { model: withOutput((output) => tf.dropout(output, 0.1)) },
      'graph/random: capture: the function draws a random number at place, and every run would repeat the one draw. Use dropout of @peft/ops for a mask, pass what changes from run to run as an input, or give a seed.',
    ],
  ];

  it.each(refusals)('%s', async (_, mishap, said) => {
    expect(await endOf(mishap, eagerEngine())).toEqual({ said: 'undefined: none', step: 3, leftOver: 0 });
    expect(await endOf(mishap, engine)).toEqual({ said, step: 0, leftOver: 0 });
  });
});

it('an optional column may come and go, as in eager runs', async () => {
  const model = (toy: AnyModel) => ({
    apply: (batch: Parameters<AnyModel['apply']>[0], at: Parameters<AnyModel['apply']>[1]) =>
      batch.gain ? tf.mul(toy.apply(batch, at), batch.gain) : toy.apply(batch, at),
  });
  const gained = { ...good, gain: hostArray([2]) };
  const losses = async (on: Engine) => {
    const seen: number[] = [];
    const options: Partial<FineTuneOptions> = { onEvent: (event) => event.type === 'step' && seen.push(event.loss) };
    await endOf({ model, options, batches: [gained, good, gained] }, on);
    return seen;
  };
  const [eager, compiled] = [await losses(eagerEngine()), await losses(engine)];
  expect(compiled).toHaveLength(3);
  for (const [step, loss] of eager.entries()) expect(compiled[step]).toBeCloseTo(loss, 5);
});
