import { softmaxCrossEntropy } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type HostArray, hostArray, toTensor } from '../hostArray.ts';
import type { At, Model, TensorBatch } from '../model.ts';
import { adamw } from '../optimizers/adamw.ts';
import { requireClose } from '../testing/equality.ts';
import { toyStrategy } from '../testing/toyStrategy.ts';
import { Weights } from '../weights.ts';
import { batches } from './dataSource.ts';
import { evaluate } from './evaluate.ts';
import { fineTune } from './fineTune.ts';
import { causalLanguageModeling, type LanguageModelingOptions, maskedLanguageModeling } from './languageModeling.ts';
import type { HostBatch, Loss } from './loss.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const [vocabulary, width] = [7, 3];

/** Tokens to logits by a table and a head with a bias; `asked` notes how the model was asked. */
function tokenModel(asked: string[] = []): Model {
  const table = Float32Array.from({ length: vocabulary * width }, (_, index) => Math.sin(index * 1.3));
  const head = Float32Array.from({ length: vocabulary * width }, (_, index) => Math.cos(index * 0.7));
  const bias = Float32Array.from({ length: vocabulary }, (_, index) => Math.sin(index));
  const all = ({ inputIds }: TensorBatch, at: At) =>
    at.linear('body', tf.reshape(at.embedding('embed', inputIds as tf.Tensor), [-1, width]));
  return {
    targets: [
      { path: 'embed', kind: 'embedding', shape: [vocabulary, width] },
      { path: 'body', kind: 'dense', shape: [width, width] },
      { path: 'head', kind: 'transposed-dense', shape: [vocabulary, width] },
    ],
    weights: new Weights([
      ['embed.weight', hostArray(table, [vocabulary, width])],
      ['body.weight', hostArray([1, 0.2, 0, 0, 1, -0.3, 0.4, 0, 1], [width, width])],
      ['head.weight', hostArray(head, [vocabulary, width])],
      ['head.bias', hostArray(bias)],
    ]),
    outputHead: ['head'],
    outputSize: vocabulary,
    apply(batch, at) {
      asked.push('output');
      return tf.reshape(at.linear('head', all(batch, at)), [...(batch.inputIds as tf.Tensor).shape, vocabulary]);
    },
    linearHead: {
      path: 'head',
      states(batch, at, rows) {
        asked.push(rows ? `${rows.size} states` : 'all states');
        return rows ? tf.gather(all(batch, at), rows) : all(batch, at);
      },
    },
  };
}

function batchOf(labels: readonly (readonly number[])[]): HostBatch {
  const shape = [labels.length, labels[0]?.length ?? 0];
  const ids = Int32Array.from({ length: labels.flat().length }, (_, index) => (index * 3) % vocabulary);
  return { inputIds: hostArray(ids, shape), labels: hostArray(Int32Array.from(labels.flat()), shape) };
}

const once = (batch: HostBatch) => [batch];

/** Mean cross-entropy and share of right rows, from the whole output and a list of [row, label]. */
function expected(batch: HostBatch, counted: readonly (readonly [row: number, label: number])[]) {
  return tf.tidy(() => {
    const { weights } = tokenModel();
    const tensor = (path: string) => weights.tensor(path) as tf.Tensor2D;
    const embedded = tf.gather(
      tensor('embed.weight'),
      tf.reshape(toTensor(batch.inputIds as never), [-1]) as tf.Tensor1D,
    );
    const states = tf.matMul(embedded as tf.Tensor2D, tensor('body.weight'));
    const logits = tf.add(tf.matMul(states, tensor('head.weight'), false, true), tensor('head.bias')) as tf.Tensor2D;
    const rows = tf.gather(
      logits,
      counted.map(([row]) => row),
    );
    const labels = tf.tensor1d(
      counted.map(([, label]) => label),
      'int32',
    );
    const guesses = tf.argMax(rows, 1).dataSync();
    return {
      loss: (softmaxCrossEntropy(rows, labels).dataSync()[0] as number) / counted.length,
      accuracy: counted.filter(([, label], index) => guesses[index] === label).length / counted.length,
    };
  });
}

describe('the rows that count', () => {
  const { prepare, count } = causalLanguageModeling();
  const added = (loss: Loss, batch: HostBatch) => {
    const { headLabels, headRows } = loss.prepare?.(batch) ?? {};
    const numbers = (array: HostArray | undefined) => array && Array.from(array.data, Number);
    return { labels: numbers(headLabels), rows: numbers(headRows) };
  };

  it('are those before a counted label in a causal model, the last of a sequence never among them', () => {
    const batch = batchOf([
      [1, 2, 3, 4],
      [5, -100, 6, 0],
    ]);
    expect(count(batch)).toBe(5);
    expect(added(causalLanguageModeling(), batch)).toEqual({ labels: [2, 3, 4, 6, 0], rows: [0, 1, 2, 5, 6] });
    expect(Object.keys(prepare?.(batch) ?? {})).toEqual(['inputIds', 'labels', 'headLabels', 'headRows']);
  });

  it('are those of counted labels themselves in a masked model', () => {
    const batch = batchOf([
      [-100, 2, -100, -100],
      [-100, -100, -100, 4],
    ]);
    expect(maskedLanguageModeling().count(batch)).toBe(2);
    expect(added(maskedLanguageModeling(), batch)).toEqual({ labels: [2, 4], rows: [1, 7] });
  });

  it('are padded to an eighth of all rows, one eighth at least, and not listed where that is all', () => {
    const long = (counted: number) => {
      const labels = Array.from({ length: 24 }, (_, index) => (index < counted ? 3 : -100));
      return added(maskedLanguageModeling(), batchOf([labels.slice(0, 12), labels.slice(12)]));
    };
    expect(long(4)).toEqual({ rows: [0, 1, 2, 3, 0, 0], labels: [3, 3, 3, 3, -100, -100] });
    expect(long(0)).toEqual({ rows: [0, 0, 0], labels: [-100, -100, -100] });
    expect(long(21).rows).toHaveLength(21);
    expect(long(22)).toEqual({ rows: undefined, labels: [...Array(22).fill(3), -100, -100] });
    const all = [Array.from({ length: 12 }, () => 3), Array.from({ length: 12 }, () => 5)];
    expect(added(causalLanguageModeling(), batchOf(all)).rows).toBeUndefined();
  });
});

describe('a language model', () => {
  const drawn = fc.record({
    isCausal: fc.boolean(),
    accuracy: fc.boolean(),
    ignore: fc.constantFrom(-100, 0),
    labels: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 2, max: 5 })).chain(([sequences, length]) => {
      const label = fc.oneof(fc.constant(undefined), fc.integer({ min: 1, max: vocabulary - 1 }));
      return fc.array(fc.array(label, { minLength: length, maxLength: length }), {
        minLength: sequences,
        maxLength: sequences,
      });
    }),
  });

  it('has one loss by its head and by its whole output, that of the counted rows', async () => {
    await fc.assert(
      fc.asyncProperty(drawn, async ({ isCausal, ignore, accuracy, labels }) => {
        const length = labels[0]?.length ?? 0;
        const rows = labels.flat().flatMap((_, row) => {
          const at = isCausal ? row + 1 : row;
          const label = isCausal && row % length === length - 1 ? undefined : labels.flat()[at];
          return label === undefined ? [] : [[row, label] as const];
        });
        fc.pre(rows.length > 0);
        const batch = batchOf(labels.map((each) => each.map((label) => label ?? ignore)));
        const options: LanguageModelingOptions = { ignore, accuracy };
        const loss = isCausal ? causalLanguageModeling(options) : maskedLanguageModeling(options);
        const { linearHead, ...whole } = tokenModel();
        const wanted = expected(batch, rows);
        expect(linearHead).toBeDefined();
        for (const model of [tokenModel(), whole]) {
          const found = await evaluate(model, { data: once(batch), loss });
          requireClose([found.loss], [wanted.loss], { what: 'loss', tolerance: 1e-5 });
          expect(found.metrics.perplexity).toBe(Math.exp(found.loss));
          expect(found.metrics.accuracy).toBe(accuracy ? wanted.accuracy : undefined);
          model.weights.dispose();
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is asked for the counted rows alone, and for its output only where it has no head to give', async () => {
    const batch = batchOf([
      [1, 2, -100, -100],
      [5, -100, 6, 0],
    ]);
    const asked: string[] = [];
    const { linearHead: _, ...whole } = tokenModel(asked);
    for (const model of [tokenModel(asked), whole]) {
      await evaluate(model, { data: once(batch), loss: causalLanguageModeling({ accuracy: true }) });
    }
    await evaluate(tokenModel(asked), {
      data: once(batchOf([[1, 2, 3, 4, 5, 6, 1, 2, 3, 4]])),
      loss: causalLanguageModeling(),
    });
    expect(asked).toEqual(['3 states', 'output', 'all states']);
  });

  const train = async (targets: readonly string[], modulesToSave: readonly string[], hasHead: boolean) => {
    const batch = batchOf([
      [1, 2, 3, -100],
      [5, -100, 6, 0],
    ]);
    const { linearHead, ...rest } = tokenModel();
    const losses: number[] = [];
    const { adapter, dispose } = await fineTune(hasHead ? { ...rest, linearHead } : rest, {
      strategy: toyStrategy(),
      targets,
      modulesToSave,
      loss: causalLanguageModeling(),
      data: batches({ inputIds: batch.inputIds as never, labels: batch.labels as never }, { batchSize: 2 }),
      steps: 4,
      optimizer: adamw(),
      schedule: 0.05,
      progress: false,
      onWarning: () => {},
      onEvent: (event) => event.type === 'step' && losses.push(event.loss),
    }).result;
    const trained = Object.entries(adapter.trained).map(([path, tensor]) => [path, Array.from(tensor.dataSync())]);
    dispose();
    return { losses, trained: Object.fromEntries(trained) as Record<string, number[]> };
  };

  it.each([
    ['a frozen head', ['body'], []],
    ['an adapter on the head', ['body', 'head'], []],
    ['a head trained whole', ['body'], ['head']],
  ])('trains as by its output with %s', async (_, targets, modulesToSave) => {
    const [byHead, byOutput] = [await train(targets, modulesToSave, true), await train(targets, modulesToSave, false)];
    requireClose(byHead.losses, byOutput.losses, { what: 'losses', tolerance: 1e-5 });
    expect(byHead.losses.at(-1)).toBeLessThan(byHead.losses[0] as number);
    expect(Object.keys(byHead.trained)).toEqual(modulesToSave.length > 0 ? ['head.bias', 'head.weight'] : []);
    for (const [path, values] of Object.entries(byHead.trained)) {
      requireClose(values, byOutput.trained[path] ?? [], { what: path, tolerance: 1e-5 });
    }
  });
});

describe('refused', () => {
  const { check } = causalLanguageModeling({ labels: 'next' });

  it('labels outside the vocabulary, of another dtype or shape, or not there', () => {
    expect(() => check?.({ next: hostArray(Int32Array.of(1, 7), [1, 2]) }, vocabulary)).toThrow(
      'batch column "next" holds label 7 at position 1; the model has 7 classes, so labels are 0 to 6, or -100 to ignore a row.',
    );
    expect(() => check?.({ next: hostArray([1, 2], [1, 2]) }, vocabulary)).toThrow(
      'batch column "next" is float32; class indices must be int32.',
    );
    expect(() => check?.({ next: hostArray(Int32Array.of(1, 2)) }, vocabulary)).toThrow(
      'batch column "next" has shape [2]; labels of a language model are [sequences, length], one for each token.',
    );
    expect(() => check?.({ labels: hostArray(Int32Array.of(1, 2), [1, 2]) }, vocabulary)).toThrow(
      'the batch has no column "next"; it has labels.',
    );
  });

  it('options it does not have', () => {
    expect(() => maskedLanguageModeling({ label: 'x' } as LanguageModelingOptions)).toThrow(
      'maskedLanguageModeling: "label" is no option; the options are labels, ignore, accuracy.',
    );
  });
});
