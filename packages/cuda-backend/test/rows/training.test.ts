import type { Node } from '@peft/graph';
import fc from 'fast-check';
import { it } from 'vitest';
import type { Storage } from '../../src/plan/storage.ts';
import { simulated } from '../simulator/simulated.ts';
import { drawnTensor } from './drawnTensor.ts';
import { expectRow } from './expectRow.ts';

const storage = fc.constantFrom<Storage>('f32', 'bf16');
const shape = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 9 })),
  fc.constant([700, 8]),
);

simulated('optimizer and triplets', () => {
  it('AdamW and importance', () => {
    fc.assert(
      fc.property(shape, storage, fc.nat(1e6), (size, gradStorage, seed) => {
        const leaf = (place: number) => drawnTensor(size, { seed: seed + place });
        const positive = (place: number, at: readonly number[] = size) =>
          drawnTensor(at, { seed: seed + place, kind: 'positive' });
        const inputs = [leaf(0), leaf(1), leaf(2), positive(3), positive(4, []), positive(5, []), positive(6, [])];
        const attributes = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };
        const adamw = { op: 'PeftAdamW', inputs, attributes, outputs: [leaf(0), leaf(0), leaf(0)] } as Node;
        expectRow(adamw, inputs, { inputs: ['f32', gradStorage] });
        const averages = [leaf(0), leaf(1), positive(2), positive(3), positive(4, []), positive(5, [])];
        const importance = { op: 'PeftImportance', inputs: averages, attributes: {}, outputs: [leaf(0), leaf(0)] };
        expectRow(importance as unknown as Node, averages, { inputs: ['f32', gradStorage] });
      }),
      { numRuns: 15 },
    );
  });

  it('scores, distances and their gradients', () => {
    const sizes = fc.tuple(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 13 }),
      fc.integer({ min: 1, max: 300 }),
    );
    fc.assert(
      fc.property(sizes, storage, fc.nat(1e6), ([inner, rank, columns], stored, seed) => {
        const vectors = (at: number) => [
          drawnTensor([inner, rank], { seed: seed + at }),
          drawnTensor([rank], { seed: seed + at + 1 }),
          drawnTensor([rank, columns], { seed: seed + at + 2 }),
        ];
        const six = [...vectors(0), ...vectors(3)];
        const scores = [{ shape: [rank], dtype: 'float32' }];
        expectRow({ op: 'PeftTripletScore', inputs: six, attributes: {}, outputs: scores } as unknown as Node, six, {
          inputs: stored,
        });
        const [a, , b] = vectors(6) as ReturnType<typeof vectors> & readonly [never, never, never];
        const live = {
          shape: [rank],
          dtype: 'float32',
          data: Float32Array.from({ length: rank }, (_, i) => Number(i % 3 > 0)),
        } as const;
        const distance = [a, b, live];
        const number = [{ shape: [], dtype: 'float32' }];
        expectRow(
          { op: 'PeftTripletDistance', inputs: distance, attributes: {}, outputs: number } as unknown as Node,
          distance,
          {
            inputs: [stored, stored, 'f32'],
          },
        );
        for (const [side, factor] of [
          ['columns', a],
          ['rows', b],
        ] as const) {
          const inputs = [factor, live, drawnTensor([], { seed: seed + 9 })];
          const node = { op: 'PeftTripletDistanceGradient', inputs, attributes: { side }, outputs: [factor] };
          expectRow(node as unknown as Node, inputs, { inputs: [stored, 'f32', 'f32'] });
        }
      }),
      { numRuns: 15 },
    );
  });
});
