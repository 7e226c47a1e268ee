import type { DType, HostTensor, Node } from '@peft/graph';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Storage } from '../../src/plan/storage.ts';
import { simulated } from '../simulator/simulated.ts';
import { anyTensor } from './anyTensor.ts';
import { expectRow } from './expectRow.ts';
import { lowerRow } from './runRow.ts';

type Shape = readonly number[];

interface Drawn {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly seed: number;
  /** Of the input and the output, where they are floats. */
  readonly storages: readonly [Storage, Storage];
}

const storage = fc.constantFrom<Storage>('f32', 'bf16');
const length = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(8, 12, 16, 33, 64, 70));
const sizeOf = (shape: Shape) => shape.reduce((size, each) => size * each, 1);

const drawn: fc.Arbitrary<Drawn> = fc.record({
  shape: fc.array(length, { minLength: 1, maxLength: 6 }).filter((shape) => sizeOf(shape) <= 12_000),
  dtype: fc.constantFrom<DType>('float32', 'float32', 'int32', 'bool'),
  seed: fc.nat(1e6),
  storages: fc.tuple(storage, storage),
});

/** A number below `most` that follows from a seed and a place. */
const pick = (seed: number, place: number, most: number) => (seed * 31 + place * 7919 + ((seed >> 3) ^ place)) % most;

/** Nothing is computed, so nothing but the change to bf16 may move a number. */
function expectMoved(node: Node, inputs: readonly HostTensor[], storages: readonly Storage[]): void {
  const [from, to] = [storages.slice(0, inputs.length), storages.at(-1) as Storage];
  const isRounded = to === 'bf16' && from.includes('f32');
  expectRow(node, inputs, { inputs: from, outputs: to, ...(isRounded ? {} : { tolerance: 0 }) });
}

function expectUnary(op: Node['op'], { shape, dtype, seed, storages }: Drawn, plan: UnaryPlan): void {
  const x = anyTensor(shape, { dtype, seed });
  const node = {
    op,
    inputs: [x],
    attributes: plan.attributes,
    outputs: plan.outputs.map((to) => ({ shape: to, dtype })),
  };
  expectMoved(node as unknown as Node, [x], storages);
}

interface UnaryPlan {
  readonly attributes: object;
  readonly outputs: readonly Shape[];
}

const unary: Readonly<Record<string, (each: Drawn) => UnaryPlan>> = {
  Transpose: ({ shape, seed }) => {
    const axes = shape.map((_, axis) => axis);
    const perm = shape.map((_, place) => axes.splice(pick(seed, place, axes.length), 1)[0] as number);
    return { attributes: { perm }, outputs: [perm.map((axis) => shape[axis] as number)] };
  },
  Slice: ({ shape, seed }) => {
    const begin = shape.map((each, axis) => pick(seed, axis, each));
    const size = shape.map((each, axis) => 1 + pick(seed, axis + 9, each - (begin[axis] as number)));
    return { attributes: { begin, size }, outputs: [size] };
  },
  Reverse: ({ shape, seed }) => ({
    attributes: { dims: shape.flatMap((_, axis) => (pick(seed, axis, 2) ? [axis] : [])) },
    outputs: [shape],
  }),
  Tile: ({ shape, seed }) => {
    const reps = shape.map((_, axis) => 1 + pick(seed, axis, axis < 3 ? 3 : 2));
    return { attributes: { reps }, outputs: [shape.map((each, axis) => each * (reps[axis] as number))] };
  },
  PadV2: ({ shape, seed, dtype }) => {
    const paddings = shape.map((_, axis) => [pick(seed, axis, 3) % 2, pick(seed, axis + 7, 5) % 4] as const);
    const outputs = [
      shape.map((each, axis) => each + (paddings[axis]?.[0] as number) + (paddings[axis]?.[1] as number)),
    ];
    return { attributes: { paddings, constantValue: dtype === 'bool' ? 1 : dtype === 'int32' ? -7 : 0.5 }, outputs };
  },
  SplitV: ({ shape, seed }) => {
    const axis = pick(seed, 1, shape.length);
    const whole = shape[axis] as number;
    const first = pick(seed, 2, whole + 1);
    const numOrSizeSplits = [first, Math.floor((whole - first) / 2), Math.ceil((whole - first) / 2)];
    return { attributes: { axis, numOrSizeSplits }, outputs: numOrSizeSplits.map((each) => shape.with(axis, each)) };
  },
  Unpack: ({ shape, seed }) => {
    const axis = pick(seed, 1, shape.length);
    const outputs = Array.from({ length: shape[axis] as number }, () => shape.toSpliced(axis, 1));
    return { attributes: { axis }, outputs };
  },
};

function expectJoined(op: 'Concat' | 'Pack', { shape, dtype, seed, storages }: Drawn, count: number): void {
  const axis = pick(seed, 1, op === 'Pack' ? shape.length + 1 : shape.length);
  const inputs = Array.from({ length: count }, (_, place) => {
    const own = op === 'Pack' ? shape : shape.with(axis, pick(seed, place + 3, (shape[axis] as number) + 1));
    return anyTensor(own, { dtype, seed: seed + place });
  });
  const joined = inputs.reduce((sum, each) => sum + (each.shape[axis] ?? 0), 0);
  const output = op === 'Pack' ? shape.toSpliced(axis, 0, count) : shape.with(axis, joined);
  const node = { op, inputs, attributes: { axis }, outputs: [{ shape: output, dtype }] } as Node;
  const given = inputs.map((_, place) => storages[place % 2] as Storage);
  expectMoved(node, inputs, [...given, storages[1]]);
}

simulated('numbers that only move', () => {
  it.each(Object.entries(unary))('%s', (op, planOf) => {
    fc.assert(
      fc.property(drawn, (each) => expectUnary(op as Node['op'], each, planOf(each))),
      { numRuns: 20 },
    );
  });

  it.each(['Concat', 'Pack'] as const)('%s', (op) => {
    const cases = fc.tuple(
      drawn.filter(({ shape }) => sizeOf(shape) <= 3000),
      fc.integer({ min: 1, max: 5 }),
    );
    fc.assert(
      fc.property(cases, ([each, count]) => expectJoined(op, each, count)),
      { numRuns: 15 },
    );
  });

  it.each([
    ['Concat', 130],
    ['Pack', 65],
  ] as const)('%s of %i parts, up to 64 a launch', (op, count) => {
    expectJoined(op, { shape: [3, 5, 2], dtype: 'float32', seed: 5, storages: ['f32', 'f32'] }, count);
  });

  it('Concat of parts of which only some have rows of full accesses', () => {
    const inputs = [4, 8, 3].map((width, place) => anyTensor([3, width], { dtype: 'float32', seed: place }));
    const node = { op: 'Concat', inputs, attributes: { axis: 1 }, outputs: [{ shape: [3, 15], dtype: 'float32' }] };
    expectMoved(node as unknown as Node, inputs, ['f32', 'f32', 'bf16', 'f32']);
  });

  it.each<readonly [Storage, Storage]>([
    ['f32', 'f32'],
    ['bf16', 'bf16'],
    ['f32', 'bf16'],
    ['bf16', 'f32'],
  ])('whole tiles turned, %s to %s', (from, to) => {
    const plan = { attributes: { perm: [1, 3, 0, 2] }, outputs: [[2, 130, 3, 200]] };
    expectUnary('Transpose', { shape: [3, 2, 200, 130], dtype: 'float32', seed: 3, storages: [from, to] }, plan);
  });

  it('more axes than a launch counts', () => {
    const plan = { attributes: { reps: [2, 2, 2, 2, 2, 2] }, outputs: [[4, 4, 4, 4, 4, 4]] };
    expectUnary('Tile', { shape: [2, 2, 2, 2, 2, 2], dtype: 'int32', seed: 3, storages: ['f32', 'f32'] }, plan);
  });
});

const float = (...shape: number[]) => ({ shape, dtype: 'float32' }) as const;

const unitsOf = (node: Node) =>
  lowerRow(node).commands.map((command) => {
    const [count] = command.kind === 'kernel' ? command.arguments.slice(-2) : [];
    return count?.type === 'u32' ? count.value : undefined;
  });

describe('launches', () => {
  it('copies 16 bytes at a time where rows allow it', () => {
    const slice = (start: number) =>
      ({
        op: 'Slice',
        inputs: [float(6, 32)],
        attributes: { begin: [1, start], size: [3, 16] },
        outputs: [float(3, 16)],
      }) as Node;
    expect([unitsOf(slice(8)), unitsOf(slice(6)), unitsOf(slice(5))]).toEqual([[12], [24], [48]]);
  });

  it('halves what has 2^31 places or more', () => {
    const [rows, columns] = [2 ** 17, 2 ** 16];
    const node = {
      op: 'Reverse',
      inputs: [float(rows, columns)],
      attributes: { dims: [1] },
      outputs: [float(rows, columns)],
    } as Node;
    expect(unitsOf(node)).toEqual(new Array(8).fill(2 ** 30));
  });

  it('joins parts of 2^31 places or more one by one', () => {
    const [rows, columns] = [2 ** 16, 2 ** 15];
    const node = {
      op: 'Concat',
      inputs: [float(rows, columns), float(rows, 3)],
      attributes: { axis: 1 },
      outputs: [float(rows, columns + 3)],
    } as Node;
    const names = lowerRow(node).commands.map((command) => (command.kind === 'kernel' ? command.kernel.name : ''));
    expect(names).toEqual(['copyStrided', 'copyStrided', 'moveParts']);
  });

  it('refuses a padded tensor of 2^31 numbers', () => {
    const node = {
      op: 'PadV2',
      inputs: [float(2 ** 31 - 1)],
      attributes: { paddings: [[0, 1]], constantValue: 0 },
      outputs: [float(2 ** 31)],
    } as Node;
    expect(() => lowerRow(node)).toThrow(
      'arena 0: [2147483648] has 2^31 numbers or more, and this operation counts fewer; split the tensor.',
    );
  });
});
