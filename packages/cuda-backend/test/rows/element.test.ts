import type { DType, HostTensor, Node, OpName, TensorType } from '@peft/graph';
import { evaluateNode } from '@peft/graph/test';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Storage } from '../../src/plan/storage.ts';
import { simulated } from '../simulator/simulated.ts';
import { anyTensor } from './anyTensor.ts';
import { expectNear, expectRow } from './expectRow.ts';
import { runRow } from './runRow.ts';

const shapes: fc.Arbitrary<readonly number[]> = fc.oneof(
  fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 6 }),
  fc.constantFrom<number[][]>([0], [3, 0, 2], [1], [7], [8], [1001], [3, 1000], [5, 1024], [70_001]),
);

/** Two shapes that broadcast to a third. */
const pairs = fc
  .record({ shape: shapes, ones: fc.array(fc.constantFrom(0, 1, 2), { minLength: 6, maxLength: 6 }), drop: fc.nat(6) })
  .map(({ shape, ones, drop }) => {
    const a = shape.map((length, axis) => (ones[axis] === 1 && length !== 0 ? 1 : length));
    const b = shape.map((length, axis) => (ones[axis] === 2 && length !== 0 ? 1 : length)).slice(drop % 7);
    // The longer one sets the rank.
    const made = a.map((length, axis) => {
      const other = b[axis - (a.length - b.length)] ?? 1;
      return length === 1 ? other : length;
    });
    return { a, b, made };
  });

const storages = fc.constantFrom<Storage>('f32', 'bf16');

const typed = (shape: readonly number[], dtype: DType): TensorType => ({ shape, dtype });

function nodeOf(op: OpName, inputs: readonly TensorType[], output: TensorType): Node {
  return { op, inputs, attributes: {}, outputs: [output] } as unknown as Node;
}

function withAttributes(node: Node, attributes: object): Node {
  return { ...node, attributes } as Node;
}

const floats = (numbers: readonly number[]): HostTensor => ({
  shape: [numbers.length],
  dtype: 'float32',
  data: Float64Array.from(numbers, Math.fround),
});
const integers = (numbers: readonly number[]): HostTensor => ({ ...floats(numbers), dtype: 'int32', data: numbers });

const odd = [
  Number.NaN,
  1 / 0,
  -1 / 0,
  0,
  -0,
  0.5,
  -0.5,
  1.5,
  -1.5,
  2.5,
  -2.5,
  1,
  -1,
  3,
  -3,
  1e-30,
  7e4,
  -7e4,
  5e9,
  -5e9,
];
const extremes = [0, 1, -1, 2, -2, 7, -7, 46_341, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 1];

const unary: readonly { readonly op: OpName; readonly attributes: object }[] = [
  ...(['Abs', 'Ceil', 'Elu', 'Erf', 'Exp', 'Expm1', 'Floor', 'Log', 'Log1p', 'Neg', 'Reciprocal', 'Relu'] as const),
  ...(['Relu6', 'Round', 'Rsqrt', 'Sigmoid', 'Sign', 'Softplus', 'Sqrt', 'Square', 'Tanh'] as const),
].map((op) => ({ op, attributes: {} }));
const choosing: typeof unary = [
  { op: 'ClipByValue', attributes: { clipValueMin: -1, clipValueMax: 2 } },
  { op: 'LeakyRelu', attributes: { alpha: 0.2 } },
  { op: 'Step', attributes: { alpha: 0.25 } },
];

const questions = ['Equal', 'Greater', 'GreaterEqual', 'Less', 'LessEqual', 'NotEqual'] as const;
const binary = ['Add', 'Maximum', 'Minimum', 'Multiply', 'RealDiv', 'SquaredDifference', 'Sub', 'Pow'] as const;

simulated('operations on elements', () => {
  it.each([...unary, ...choosing])('$op of NaN, infinities, zeros and halves', ({ op, attributes }) => {
    const x = floats(odd);
    const node = withAttributes(nodeOf(op, [x], typed(x.shape, 'float32')), attributes);
    const expected = Float32Array.from(evaluateNode(node, [x])[0] as ArrayLike<number>);
    for (const [place, found] of (runRow(node, [x])[0] as number[]).entries()) {
      expectNear([found], [expected[place] as number], { what: `${op} of ${odd[place]}`, tolerance: 1e-6 });
    }
  });

  it.each([...binary, ...questions])('%s of NaN, infinities, zeros and halves', (op) => {
    const isQuestion = (questions as readonly OpName[]).includes(op);
    const [a, b] = [floats(odd.flatMap((x) => odd.map(() => x))), floats(odd.flatMap(() => odd))];
    const node = nodeOf(op, [a, b], typed(a.shape, isQuestion ? 'bool' : 'float32'));
    const expected = Float32Array.from(evaluateNode(node, [a, b])[0] as ArrayLike<number>);
    for (const [place, found] of (runRow(node, [a, b])[0] as number[]).entries()) {
      const what = `${op} of ${a.data[place]} and ${b.data[place]}`;
      expectNear([found], [expected[place] as number], { what, tolerance: 1e-6 });
    }
  });

  it('FloorDiv and Mod of floats, exactly', () => {
    const values = [0.3, -0.3, 0.1, -0.1, 7, -7, 2.5, -2.5, 1e6, 16_777_215, 3e-5, 0.7, -0.7].map(Math.fround);
    const [a, b] = [floats(values.flatMap((x) => values.map(() => x))), floats(values.flatMap(() => values))];
    const quotients = runRow(nodeOf('FloorDiv', [a, b], typed(a.shape, 'float32')), [a, b])[0] as number[];
    const rests = runRow(nodeOf('Mod', [a, b], typed(a.shape, 'float32')), [a, b])[0] as number[];
    for (const place of quotients.keys()) {
      const [x, y] = [a.data[place] as number, b.data[place] as number];
      expect(quotients[place], `${x} over ${y}`).toBe(Math.fround(Math.floor(x / y)));
      // As tfjs has it: the rest of the division, which is exact, brought to the side of the divisor.
      expect(0 + (rests[place] as number), `${x} modulo ${y}`).toBe(
        0 + Math.fround(x < 0 === y < 0 ? x % y : ((x % y) + y) % y),
      );
    }
  });

  it('int32 modulo 2^32', () => {
    const [a, b] = [
      integers(extremes.flatMap((x) => extremes.map(() => x))),
      integers(extremes.flatMap(() => extremes)),
    ];
    const floor = (x: bigint, y: bigint) => x / y - BigInt(x % y !== 0n && x < 0n !== y < 0n);
    const exact: Readonly<Record<string, (x: bigint, y: bigint) => bigint>> = {
      Add: (x, y) => x + y,
      Sub: (x, y) => x - y,
      Multiply: (x, y) => x * y,
      SquaredDifference: (x, y) => (x - y) * (x - y),
      FloorDiv: (x, y) => (y === 0n ? 0n : floor(x, y)),
      Mod: (x, y) => (y === 0n ? 0n : x - y * floor(x, y)),
    };
    for (const [op, apply] of Object.entries(exact)) {
      const found = runRow(nodeOf(op as OpName, [a, b], typed(a.shape, 'int32')), [a, b])[0] as number[];
      for (const place of found.keys()) {
        const [x, y] = [a.data[place] as number, b.data[place] as number];
        const wanted = Number(BigInt.asIntN(32, apply(BigInt(x), BigInt(y))));
        expect(found[place], `${op} of ${x} and ${y}`).toBe(wanted);
      }
    }
    expect(runRow(nodeOf('Maximum', [a, b], typed(a.shape, 'int32')), [a, b])[0]).toEqual(
      Array.from(a.data, (x, place) => Math.max(x, b.data[place] as number)),
    );
    expect(runRow(nodeOf('Minimum', [a, b], typed(a.shape, 'int32')), [a, b])[0]).toEqual(
      Array.from(a.data, (x, place) => Math.min(x, b.data[place] as number)),
    );
    const powers = integers([0, 1, 2, 3, 31, 40, -1, -2]);
    const [base, exponent] = [
      integers(extremes.flatMap((x) => Array.from(powers.data, () => x))),
      integers(extremes.flatMap(() => Array.from(powers.data))),
    ];
    const found = runRow(nodeOf('Pow', [base, exponent], typed(base.shape, 'int32')), [base, exponent])[0] as number[];
    for (const place of found.keys()) {
      const [x, n] = [base.data[place] as number, exponent.data[place] as number];
      const whole = n < 0 ? BigInt(Math.trunc(x === 0 ? 0 : x ** n)) : BigInt(x) ** BigInt(n);
      expect(found[place], `${x} to the ${n}`).toBe(Number(BigInt.asIntN(32, whole)) + 0);
    }
  });

  it('int32 alone', () => {
    const x = integers(extremes);
    const wrap = (value: number) => Number(BigInt.asIntN(32, BigInt(value)));
    const run = (op: OpName) => runRow(nodeOf(op, [x], typed(x.shape, 'int32')), [x])[0];
    expect(run('Abs')).toEqual(extremes.map((each) => wrap(Math.abs(each))));
    expect(run('Neg')).toEqual(extremes.map((each) => wrap(-each)));
    expect(run('Sign')).toEqual(extremes.map((each) => Math.sign(each)));
    expect(run('Relu')).toEqual(extremes.map((each) => Math.max(each, 0)));
    expect(run('Square')).toEqual(extremes.map((each) => Number(BigInt.asIntN(32, BigInt(each) ** 2n))));
  });

  it('casts, as typed arrays convert', () => {
    const run = (x: HostTensor, dtype: DType) =>
      runRow(withAttributes(nodeOf('Cast', [x], typed(x.shape, dtype)), { dtype }), [x])[0];
    const values = [...odd, 2 ** 31, -(2 ** 31), 2 ** 32 + 512, -(2 ** 33) - 1024, 3e38];
    expect(run(floats(values), 'int32')).toEqual(Array.from(Int32Array.from(values.map(Math.fround))));
    expect(run(floats(values), 'bool')).toEqual(values.map((each) => Number(each !== 0)));
    expect(run(integers(extremes), 'float32')).toEqual(extremes.map(Math.fround));
    expect(run(integers(extremes), 'bool')).toEqual(extremes.map((each) => Number(each !== 0)));
    const choice = anyTensor([37], { dtype: 'bool', seed: 1 });
    for (const dtype of ['float32', 'int32'] as const) expect(run(choice, dtype)).toEqual(Array.from(choice.data));
  });

  it('of any shapes, broadcast over up to six axes, in any storages', () => {
    const ops = fc.constantFrom<readonly [OpName, DType, DType]>(
      ['Sub', 'float32', 'float32'],
      ['Sub', 'int32', 'int32'],
      ['Greater', 'float32', 'bool'],
      ['LogicalAnd', 'bool', 'bool'],
      ['NotEqual', 'bool', 'bool'],
    );
    fc.assert(
      fc.property(ops, pairs, fc.array(storages, { minLength: 3, maxLength: 3 }), ([op, from, to], shape, storage) => {
        const [a, b] = [
          anyTensor(shape.a, { dtype: from, seed: 1, most: 9 }),
          anyTensor(shape.b, { dtype: from, seed: 2, most: 9 }),
        ];
        const node = nodeOf(op, [a, b], typed(shape.made, to));
        const one = from === 'float32' && to === 'bool' ? (storage[0] as Storage) : undefined;
        const inputs = one ? [one, one] : storage.slice(0, 2);
        expectRow(node, [a, b], { inputs, outputs: storage.slice(2) });
      }),
      { numRuns: 60 },
    );
  });

  it('made of nothing, chosen and summed', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 5 }), storages, (shape, count, storage) => {
        const dtype = (['float32', 'int32', 'bool'] as const)[count % 3] as DType;
        const value = { float32: -2.5, int32: -(2 ** 31) + 1, bool: 1 }[dtype];
        const output = typed(shape, dtype);
        for (const each of [value, 0]) {
          const node = withAttributes(nodeOf('Fill', [], output), { shape, value: each, dtype });
          expectRow(node, [], { outputs: storage });
        }
        const [x, y] = [1, 2].map((seed) => anyTensor(shape, { dtype, seed })) as [HostTensor, HostTensor];
        for (const op of ['OnesLike', 'ZerosLike'] as const)
          expectRow(nodeOf(op, [x], output), [x], { outputs: storage });
        const choice = anyTensor(shape, { dtype: 'bool', seed: 3 });
        expectRow(nodeOf('Select', [choice, x, y], output), [choice, x, y], { inputs: storage, outputs: storage });
        if (dtype === 'bool') return;
        const terms = Array.from({ length: count }, (_, seed) => anyTensor(shape, { dtype, seed }));
        expectRow(nodeOf('AddN', terms, output), terms, { inputs: storage, outputs: storage });
      }),
      { numRuns: 15 },
    );
  });

  it('the sum of more tensors than one launch takes', () => {
    for (const dtype of ['float32', 'int32'] as const) {
      const terms = Array.from({ length: 150 }, (_, seed) => anyTensor([11], { dtype, seed }));
      expectRow(nodeOf('AddN', terms, typed([11], dtype)), terms, { tolerance: 1e-5 });
    }
  });

  it.each([
    { start: 0, stop: 1000, step: 1, dtype: 'int32' },
    { start: 10, stop: -20, step: -3, dtype: 'int32' },
    { start: 0.5, stop: 40, step: 0.1, dtype: 'float32' },
    { start: 5, stop: 5, step: 1, dtype: 'float32' },
  ] as const)('the numbers from $start to $stop by $step', ({ start, stop, step, dtype }) => {
    const length = Math.max(0, Math.ceil((stop - start) / step));
    const node = withAttributes(nodeOf('Range', [], typed([length], dtype)), { start, stop, step, dtype });
    expectRow(node, [], { tolerance: 1e-6 });
  });
});
