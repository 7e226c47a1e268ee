import type { HostTensor, Node, TensorType } from '@peft/graph';
import fc from 'fast-check';
import { it } from 'vitest';
import type { Storage } from '../../src/plan/storage.ts';
import { simulated } from '../simulator/simulated.ts';
import { drawnTensor } from './drawnTensor.ts';
import { expectRow } from './expectRow.ts';

const storage = fc.constantFrom<Storage>('f32', 'bf16');

/** A warp, a block of 128 and one of 512 a row, with and without a tail of fewer than eight numbers. */
const width = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.constantFrom(256, 1000, 1024, 1032, 1500, 4096, 4100, 17_000),
);

const rowsOf = (columns: number) => fc.integer({ min: 1, max: columns > 4000 ? 2 : 9 });

const float = (...shape: number[]): TensorType => ({ shape, dtype: 'float32' });

function expectNorm(op: 'PeftLayerNorm' | 'PeftRmsNorm', drawn: Drawn): void {
  const { rows, columns, storages, seed } = drawn;
  const vectors = op === 'PeftLayerNorm' ? 2 : 1;
  const x = drawnTensor([rows, columns], { seed, mean: 3 });
  const inputs = [
    x,
    ...Array.from({ length: vectors }, (_, place) => drawnTensor([columns], { seed: seed + 1 + place })),
  ];
  const statistics = Array.from({ length: vectors }, () => float(rows, 1));
  const node = { op, inputs, attributes: { epsilon: 1e-5 }, outputs: [float(rows, columns), ...statistics] } as Node;
  expectRow(node, inputs, { inputs: storages, outputs: storages });
  expectRow(node, inputs, { inPlace: 0, inputs: storages.with(0, 'f32') });
}

function expectGrad(op: 'PeftLayerNormGrad' | 'PeftRmsNormGrad', drawn: Drawn): void {
  const { rows, columns, storages, seed } = drawn;
  const mean: readonly HostTensor[] = op === 'PeftLayerNormGrad' ? [drawnTensor([rows, 1], { seed: seed + 1 })] : [];
  const inputs = [
    drawnTensor([rows, columns], { seed }),
    drawnTensor([columns], { seed: seed + 2 }),
    ...mean,
    drawnTensor([rows, 1], { seed: seed + 3, kind: 'positive' }),
    drawnTensor([rows, columns], { seed: seed + 4 }),
  ];
  const node = { op, inputs, attributes: {}, outputs: [float(rows, columns)] } as unknown as Node;
  const given = inputs.map(({ shape }, place) => (shape.length === 2 && shape[1] === 1 ? 'f32' : storages[place % 3]));
  expectRow(node, inputs, { inputs: given as Storage[], outputs: storages });
}

function expectSoftmax({ rows, columns, storages, seed }: Drawn): void {
  const x = drawnTensor([rows, columns], { seed, mean: 50 });
  const node = { op: 'Softmax', inputs: [x], attributes: { dim: 1 }, outputs: [float(rows, columns)] } as Node;
  expectRow(node, [x], { inputs: storages, outputs: storages });
}

interface Drawn {
  readonly rows: number;
  readonly columns: number;
  readonly storages: readonly Storage[];
  readonly seed: number;
}

const drawn: fc.Arbitrary<Drawn> = width.chain((columns) =>
  fc.record({
    rows: rowsOf(columns),
    columns: fc.constant(columns),
    storages: fc.array(storage, { minLength: 3, maxLength: 3 }),
    seed: fc.nat(1e6),
  }),
);

simulated('norms and softmax by warps and blocks, whole and with tails', () => {
  it.each([
    ['PeftLayerNorm', (each: Drawn) => expectNorm('PeftLayerNorm', each)],
    ['PeftRmsNorm', (each: Drawn) => expectNorm('PeftRmsNorm', each)],
    ['PeftLayerNormGrad', (each: Drawn) => expectGrad('PeftLayerNormGrad', each)],
    ['PeftRmsNormGrad', (each: Drawn) => expectGrad('PeftRmsNormGrad', each)],
    ['Softmax', expectSoftmax],
  ])('%s', (_, check) => {
    fc.assert(fc.property(drawn, check), { numRuns: 12 });
  });
});
