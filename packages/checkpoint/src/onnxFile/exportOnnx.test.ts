import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import {
  type AnyModel,
  type AnyStrategy,
  adamw,
  adaptedAt,
  attach,
  batches,
  type FineTuneOptions,
  fineTune,
  PeftError,
  regression,
  type TrainedAdapter,
  Weights,
} from '@peft/core';
import { toyData, toyModel } from '@peft/core/testing';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { relativeDistance } from '../testing/relativeDistance.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { type ExportOnnxOptions, exportOnnx } from './exportOnnx.ts';
import { modelToOnnx } from './modelToOnnx.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const ids = (count: number) => Int32Array.from({ length: 2 * count }, (_, index) => (index * index + 3) % 7);

async function trained(
  strategy: AnyStrategy,
  changes: Partial<FineTuneOptions> = {},
): Promise<{ model: AnyModel; adapter: TrainedAdapter; dispose(): void }> {
  const model = toyModel();
  const { adapter, dispose } = await fineTune(model, {
    strategy,
    targets: ['embed', 'query'],
    modulesToSave: ['head'],
    bias: 'adapted',
    loss: regression(),
    data: batches(toyData(), { batchSize: 6 }),
    steps: 6,
    optimizer: adamw(),
    schedule: 0.05,
    seed: 3,
    progress: false,
    onWarning: () => {},
    ...changes,
  }).result;
  return { model, adapter, dispose };
}

/** The file's logits against those of eager tfjs, at three batch sizes, and what the session calls its inputs. */
async function expectEager(path: string, eager: (batch: Readonly<Record<string, tf.Tensor>>) => tf.Tensor) {
  const session = await InferenceSession.create(path);
  for (const count of [1, 4, 9]) {
    const { logits } = await session.run({ ids: new Tensor('int32', ids(count), [count, 2]) });
    const expected = tf.tidy(() => eager({ ids: tf.tensor(ids(count), [count, 2], 'int32') }));
    expect(logits?.dims).toEqual(expected.shape);
    expect(relativeDistance(logits?.data as Float32Array, expected.dataSync())).toBeLessThan(1e-6);
    expected.dispose();
  }
  return session;
}

const strategies: Readonly<Record<string, () => AnyStrategy>> = {
  LoRA: () => lora({ rank: 2 }) as AnyStrategy,
  DoRA: () => lora({ rank: 2, dora: true }) as AnyStrategy,
  AdaLoRA: () => adalora({ initRank: 3, targetRank: 2, warmupSteps: 1, finalSteps: 1 }) as AnyStrategy,
  'COLA of LoRA': () => cola(lora({ rank: 2 }) as AnyStrategy, { links: 2 }),
};

const base = (model: AnyModel) => (batch: Readonly<Record<string, tf.Tensor>>) =>
  model.apply(batch, adaptedAt({ weights: model.weights, modules: model.targets }));

describe('any batch size, as eager tfjs', () => {
  it('a model alone, in a folder that did not exist', () =>
    withTemporaryFolder(async (folder) => {
      const model = toyModel();
      const path = join(folder, 'new', 'toy.onnx');
      const { inputs, outputs } = await exportOnnx(model, path);
      expect(inputs).toEqual([{ name: 'ids', onnxName: 'ids', dtype: 'int32', shape: ['batch', 2] }]);
      expect(outputs).toEqual([{ name: 'logits', onnxName: 'logits', dtype: 'float32', shape: ['batch', 2, 3] }]);
      expect(await readdir(join(folder, 'new'))).toEqual(['toy.onnx']);
      const session = await expectEager(path, base(model));
      expect([session.inputNames, session.outputNames]).toEqual([['ids'], ['logits']]);
      model.weights.dispose();
    }));

  it.each([
    ...Object.entries(strategies).map(([name, strategy]) => [name, strategy, {}] as const),
    ['LoRA and rows of a table', () => lora({ rank: 2 }), { targets: ['query'], trainableTokens: [5, 0, 2] }] as const,
  ])('%s, merged and beside the weights', (_, strategy, changes) =>
    withTemporaryFolder(async (folder) => {
      const { model, adapter, dispose } = await trained(strategy() as AnyStrategy, changes);
      const fingerprint = model.weights.fingerprint();
      const held = () => tf.memory().numTensors - model.weights.uploads;
      const before = held();
      const sizes = [];
      for (const [name, merge] of [
        ['merged.onnx', true],
        ['beside.onnx', false],
      ] as const) {
        const path = join(folder, name);
        await exportOnnx(model, path, { adapter, merge });
        expect(held()).toBe(before);
        const adapted = await attach(model, adapter);
        await expectEager(path, adapted.apply);
        adapted.dispose();
        sizes.push((await readFile(path)).length);
      }
      expect(sizes[1]).toBeGreaterThan(sizes[0] as number);
      expect(model.weights.fingerprint()).toBe(fingerprint);
      dispose();
      model.weights.dispose();
    }),
  );

  it('a model that takes fewer tokens than are tried, at sizes that it takes', () =>
    withTemporaryFolder(async (folder) => {
      const toy = toyModel();
      const model: AnyModel = {
        ...toy,
        inputs: { ids: { dtype: 'int32', shape: ['batch', 'sequence'] } },
        apply(batch, at) {
          if ((batch.ids?.shape[1] ?? 0) > 8)
            throw new PeftError('model/batch', 'longer than 8 tokens; truncate them.');
          return toy.apply(batch, at);
        },
      };
      const path = join(folder, 'toy.onnx');
      await expect(exportOnnx(model, path)).rejects.toMatchObject({
        code: 'checkpoint/onnx',
        message:
          'the model cannot be captured at batch 2, sequence 11; give three or more sets of sizes that it takes, as captures: [{ batch: 2, sequence: 3 }, ...]. It says: longer than 8 tokens; truncate them.',
        cause: { code: 'model/batch' },
      });
      const captures = [2, 3, 5].map((batch, at) => ({ batch, sequence: [8, 5, 7][at] as number }));
      await exportOnnx(model, path, { captures });
      await expectEager(path, base(model));
      const broken = {
        ...model,
        apply: () => {
          throw new PeftError('model/other', 'not of the batch');
        },
      };
      await expect(exportOnnx(broken, path)).rejects.toMatchObject({ code: 'model/other' });
      model.weights.dispose();
    }));

  it('weights of 16 bits, and weights in a file of their own', () =>
    withTemporaryFolder(async (folder) => {
      const model = toyModel();
      const { weights } = model;
      const narrow = {
        ...model,
        weights: new Weights(
          weights.paths.map((path) => {
            const { shape, data } = weights.get(path);
            const words = new Uint16Array(data.buffer.slice(0)).filter((_, index) => index % 2 === 1);
            return [path, { dtype: 'bfloat16', shape, data: words }] as const;
          }),
        ),
      };
      const path = join(folder, 'toy.onnx');
      await exportOnnx(narrow, path, { weights: 'external' });
      expect(await readdir(folder)).toEqual(['toy.onnx', 'toy.onnx.data']);
      await expectEager(path, base(narrow));
      narrow.weights.dispose();
    }));
});

it('names of inputs, sizes and the output are the caller\u2019s where given', async () => {
  const inputs = { ids: { dtype: 'int32', shape: [1, 'words'] } } as const;
  const { inputs: taken, outputs } = await modelToOnnx(toyModel(), { inputs, output: 'scores' });
  expect([taken[0]?.shape, outputs[0]?.name, outputs[0]?.shape]).toEqual([[1, 'words'], 'scores', [1, 'words', 3]]);
});

describe('refused', () => {
  const refusal = (model: AnyModel, options: ExportOnnxOptions) =>
    modelToOnnx(model, options).then(
      () => 'exported',
      (error: unknown) => {
        expect(Reflect.get(error as object, Symbol.for('@peft/error'))).toBe(true);
        return `${(error as { code: string }).code}: ${(error as Error).message}`;
      },
    );

  it('inputs that are not known, and sizes that are none', async () => {
    const { inputs: _, ...silent } = toyModel();
    expect(await refusal(silent, {})).toBe(
      "checkpoint/onnx: the model does not say which inputs it reads; pass them, as inputs: { inputIds: { dtype: 'int32', shape: ['batch', 'sequence'] } }.",
    );
    expect(await refusal(silent, { inputs: { ids: { dtype: 'int32', shape: [0, 'a b', 2] } } })).toBe(
      'checkpoint/onnx: a size of an input is a whole number above 0, or the name of a dimension that may change; correct these:\n  input "ids" has the size 0\n  input "ids" has the size "a b"',
    );
  });

  it('an adapter of another base', async () => {
    const { model, adapter, dispose } = await trained(strategies.LoRA?.() as AnyStrategy);
    expect(await refusal(toyModel(2), { adapter })).toMatch(/^model\/fingerprint: this adapter was made on a base/);
    dispose();
    model.weights.dispose();
  });

  it('a model whose operations depend on a size, before anything is written', () =>
    withTemporaryFolder(async (folder) => {
      const model = toyModel();
      const odd: AnyModel = {
        ...model,
        apply: (batch, at) => {
          const ids = batch.ids as tf.Tensor;
          return (ids.shape[0] as number) > 4 ? at.embedding('embed', ids) : tf.neg(at.embedding('embed', ids));
        },
      };
      const path = join(folder, 'toy.onnx');
      await writeFile(path, 'old');
      await expect(exportOnnx(odd, path)).rejects.toThrow(/^toDynamicOnnx: the function is not one for all sizes/);
      expect(await readFile(path, 'utf8')).toBe('old');
    }));
});
