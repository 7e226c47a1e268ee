import type { HostTensor, Node } from '@peft/graph';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lossRows } from '../../src/lowering/lossRows.ts';
import type { Storage } from '../../src/plan/storage.ts';
import { simulated } from '../simulator/simulated.ts';
import { drawnTensor } from './drawnTensor.ts';
import { expectRow, tolerances } from './expectRow.ts';

const ignore = -100;
const storage = fc.constantFrom<Storage>('f32', 'bf16');
const classes = fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constantFrom(1024, 2053, 5000));

/** Labels of all kinds: classes, ignored ones, and at times one that is no class. */
const labelsOf = (count: number) =>
  fc.array(
    fc.oneof({ weight: 8, arbitrary: fc.nat(count - 1) }, fc.constant(ignore), fc.constant(-1), fc.constant(count)),
    {
      minLength: 1,
      maxLength: 7,
    },
  );

const drawn = classes.chain((count) =>
  fc.record({
    count: fc.constant(count),
    labels: labelsOf(count),
    storages: fc.tuple(storage, storage, storage),
    seed: fc.nat(1e6),
  }),
);

const integers = (values: readonly number[]): HostTensor => ({
  shape: [values.length],
  dtype: 'int32',
  data: Int32Array.from(values),
});

simulated('cross-entropy', () => {
  it('is a loss and a gradient of softmax, whatever the labels', () => {
    fc.assert(
      fc.property(drawn, ({ count, labels, storages: [logitsStorage, , gradientStorage], seed }) => {
        const logits = drawnTensor([labels.length, count], { seed, mean: 20 });
        const inputs = [logits, integers(labels)];
        const attributes = { ignore };
        const sum = { shape: [], dtype: 'float32' };
        const loss = { op: 'PeftSoftmaxCrossEntropy', inputs, attributes, outputs: [sum] } as unknown as Node;
        expectRow(loss, inputs, { inputs: logitsStorage });
        const given = [...inputs, drawnTensor([], { seed: seed + 1 })];
        const grad = {
          op: 'PeftSoftmaxCrossEntropyGrad',
          inputs: given,
          attributes,
          outputs: [logits],
        } as unknown as Node;
        expectRow(grad, given, { inputs: logitsStorage, outputs: gradientStorage });
        expectRow(grad, given, { inPlace: 0 });
      }),
      { numRuns: 25 },
    );
  });

  it('of logits of which some are minus infinity or not numbers', () => {
    const infinity = Number.POSITIVE_INFINITY;
    const row = [-infinity, 2, -infinity, 1, -infinity, -infinity, -infinity, -infinity, ...Array(9).fill(-infinity)];
    const broken = [Number.NaN, ...Array(16).fill(1)];
    for (const [values, label] of [
      [row, 1],
      [broken, 3],
    ] as const) {
      const logits: HostTensor = { shape: [1, 17], dtype: 'float32', data: Float32Array.from(values) };
      const inputs = [logits, integers([label])];
      const outputs = [{ shape: [], dtype: 'float32' }];
      expectRow({ op: 'PeftSoftmaxCrossEntropy', inputs, attributes: { ignore }, outputs } as unknown as Node, inputs);
    }
  });

  it('beside its head, some rows at a time', () => {
    fc.assert(
      fc.property(
        drawn,
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        ({ count, labels, storages, seed }, size, has) => {
          const rows = labels.length;
          for (const transposeWeight of [false, true]) {
            const inputs = [
              drawnTensor([rows, size], { seed }),
              drawnTensor(transposeWeight ? [count, size] : [size, count], { seed: seed + 1 }),
              integers(labels),
              ...(has ? [drawnTensor([count], { seed: seed + 2 })] : []),
            ];
            const attributes = { ignore, chunk: 3, transposeWeight };
            const sum = { shape: [], dtype: 'float32' };
            const outputs = [sum, { shape: [rows, size], dtype: 'float32' }];
            const op = 'PeftLinearCrossEntropyWithGradient';
            const node = { op, inputs, attributes, outputs } as unknown as Node;
            const given = [storages[0], storages[1], 'i32', storages[2]] as const;
            // A product of which one operand is bf16 rounds the other too, and softmax what it gives back.
            const tolerance = given.includes('bf16') ? 2 ** -6 : tolerances.f32;
            expectRow(node, inputs, { inputs: given, outputs: storages[2], tolerance });
            const alone = { ...node, op: 'PeftLinearCrossEntropy', outputs: [sum] } as unknown as Node;
            expectRow(alone, inputs, { inputs: storages[0], tolerance });
          }
        },
      ),
      { numRuns: 12 },
    );
  });
});

it('the head writes no more logits at one time than a chunk of rows has', () => {
  const products: number[] = [];
  const operand = (shape: readonly number[]) => ({
    shape,
    dtype: 'float32' as const,
    storage: 'bf16' as const,
    region: { kind: 'arena' as const, bytes: 0, label: '' },
    offset: 0,
  });
  const scratch: (readonly number[])[] = [];
  const [rows, size, count] = [8192, 64, 50_000];
  lossRows.PeftLinearCrossEntropyWithGradient.lower({
    inputs: [operand([rows, size]), operand([size, count]), operand([rows])],
    outputs: [operand([]), operand([rows, size])],
    attributes: { ignore, chunk: 64, transposeWeight: false },
    emit: {
      precision: 'bf16',
      kernel: () => {},
      product: ({ c }: { readonly c: { readonly shape: readonly number[] } }) => products.push(c.shape[0] as number),
      scratch: (shape: readonly number[]) => {
        scratch.push(shape);
        return operand(shape);
      },
    } as never,
  });
  // 192 MiB of bf16 logits are 2,013 rows: 15 tiles of 128.
  expect(scratch).toEqual([[rows], [1920, count]]);
  expect(products).toEqual([1920, 1920, 1920, 1920, 1920, 1920, 1920, 1920, 512, 512]);
});
