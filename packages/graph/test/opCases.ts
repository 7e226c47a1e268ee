import * as ops from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { attentionCases } from './attentionCases.ts';
import { tripletCases } from './tripletCases.ts';

type Kind = 'float' | 'positive' | 'int' | 'bool' | 'distinct' | { readonly below: number };

export interface OpCase {
  readonly name: string;
  /** Shapes and what values they hold, one an argument of `run`. */
  readonly inputs: readonly { readonly shape: readonly number[]; readonly kind: Kind }[];
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
  /** Whether the gradient of the float inputs is checked too. */
  readonly hasGradient: boolean;
}

const size = fc.integer({ min: 1, max: 4 });
const shapes = fc.array(size, { minLength: 1, maxLength: 3 });

/** Two shapes that broadcast. */
const pairs = shapes.chain((shape) =>
  fc
    .tuple(
      fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
      fc.integer({ min: 0, max: shape.length }),
    )
    .map(([ones, drop]) => [shape, shape.map((length, axis) => (ones[axis] ? 1 : length)).slice(drop)] as const),
);

const dense = (run: (x: tf.Tensor) => tf.Tensor, kind: Kind = 'float', hasGradient = true) =>
  shapes.map((shape) => ({ inputs: [{ shape, kind }], run, hasGradient }));

const paired = (run: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, kind: Kind = 'float', hasGradient = false) =>
  pairs.map(([a, b]) => ({
    inputs: [
      { shape: a, kind },
      { shape: b, kind },
    ],
    run,
    hasGradient,
  }));

const alongAxis = (run: (x: tf.Tensor, axis: number) => tf.Tensor, kind: Kind = 'float', hasGradient = true) =>
  fc.tuple(shapes, fc.nat(10)).map(([shape, choice]) => ({
    inputs: [{ shape, kind }],
    run: (x: tf.Tensor) => run(x, (choice % (2 * shape.length)) - shape.length),
    hasGradient,
  }));

const matrices = fc.tuple(size, size, size, fc.boolean(), fc.boolean(), fc.option(size));

const products = (run: (a: tf.Tensor, b: tf.Tensor, flags: readonly [boolean, boolean]) => tf.Tensor) =>
  matrices.map(([rows, inner, columns, transposeA, transposeB, batch]) => {
    const stack = batch === null ? [] : [batch];
    return {
      inputs: [
        { shape: [...stack, ...(transposeA ? [inner, rows] : [rows, inner])], kind: 'float' as const },
        { shape: [...stack, ...(transposeB ? [columns, inner] : [inner, columns])], kind: 'float' as const },
      ],
      run: (a: tf.Tensor, b: tf.Tensor) => run(a, b, [transposeA, transposeB]),
      hasGradient: true,
    };
  });

const rowsOf = (width: fc.Arbitrary<number>) => fc.tuple(size, width);

type Unnamed = Omit<OpCase, 'name'>;

const scalars = { shape: [] as number[], kind: 'positive' as const };

const linearLosses = (hasGradient: boolean) =>
  fc
    .tuple(size, size, size, fc.integer({ min: 1, max: 5 }), fc.boolean(), fc.boolean())
    .map(([rows, width, classes, chunk, transposeWeight, hasBias]) => ({
      inputs: [
        { shape: [rows, width], kind: 'float' as const },
        { shape: [rows], kind: { below: classes } },
      ],
      run: (hidden: tf.Tensor, labels: tf.Tensor) => {
        const frozen = (...shape: number[]) =>
          tf.sin(tf.range(1, 1 + shape.reduce((product, length) => product * length, 1))).reshape(shape);
        const weight = transposeWeight ? frozen(classes, width) : frozen(width, classes);
        const bias = hasBias ? { bias: frozen(classes) } : {};
        return ops.linearCrossEntropy(hidden, weight, labels, { ignore: 1, chunk, transposeWeight, ...bias });
      },
      hasGradient,
    }));

/** Random uses of every row of the op table, through tfjs and @peft/ops, under the name of what they reach. */
export const opCases: Readonly<Record<string, fc.Arbitrary<Unnamed>>> = {
  Abs: dense(tf.abs),
  Ceil: dense(tf.ceil),
  Cos: dense(tf.cos),
  Elu: dense(tf.elu, 'float', false),
  Erf: dense(tf.erf),
  Exp: dense(tf.exp),
  Expm1: dense(tf.expm1),
  Floor: dense(tf.floor),
  Identity: dense((x) => tf.clone(x)),
  Log: dense(tf.log, 'positive'),
  Log1p: dense(tf.log1p, 'positive'),
  LogicalNot: dense(tf.logicalNot, 'bool', false),
  Neg: dense(tf.neg),
  OnesLike: dense((x) => tf.mul(x, tf.onesLike(x))),
  Reciprocal: dense(tf.reciprocal, 'positive'),
  Relu: dense(tf.relu),
  Relu6: dense((x) => tf.relu6(tf.mul(x, 5))),
  Round: dense(tf.round),
  Rsqrt: dense(tf.rsqrt, 'positive'),
  Sigmoid: dense(tf.sigmoid),
  Sign: dense(tf.sign),
  Sin: dense(tf.sin),
  Softplus: dense(tf.softplus),
  Sqrt: dense(tf.sqrt, 'positive'),
  Square: dense(tf.square),
  SquareInt: dense(tf.square, 'int', false),
  Tanh: dense(tf.tanh),
  ZerosLike: dense((x) => tf.add(x, tf.zerosLike(x))),
  ClipByValue: dense((x) => tf.clipByValue(x, -0.5, 1)),
  LeakyRelu: dense((x) => tf.leakyRelu(x, 0.1)),
  Step: dense((x) => tf.step(x, 0.25), 'float', false),
  Cast: dense((x) => tf.cast(tf.mul(x, 3), 'int32'), 'float', false),
  CastBool: dense((x) => tf.cast(x, 'bool'), 'int', false),

  Add: paired(tf.add, 'float', true),
  AddInt: paired(tf.add, 'int'),
  Equal: paired(tf.equal, 'int'),
  EqualBool: paired(tf.equal, 'bool'),
  FloorDiv: paired((a, b) => tf.floorDiv(a, tf.add(tf.abs(b), 1)), 'int'),
  FloorDivFloat: paired(tf.floorDiv, 'positive'),
  Greater: paired(tf.greater),
  GreaterEqual: paired(tf.greaterEqual, 'int'),
  Less: paired(tf.less, 'int'),
  LessEqual: paired(tf.lessEqual),
  LogicalAnd: paired(tf.logicalAnd, 'bool'),
  LogicalOr: paired(tf.logicalOr, 'bool'),
  Maximum: paired(tf.maximum),
  Minimum: paired(tf.minimum),
  MinimumGradient: shapes.map((shape) => ({
    inputs: [
      { shape, kind: 'float' as const },
      { shape, kind: 'float' as const },
    ],
    run: (a, b) => tf.maximum(tf.minimum(a as tf.Tensor, 0.3), b as tf.Tensor),
    hasGradient: true,
  })),
  Mod: paired(tf.mod, 'positive'),
  ModInt: paired((a, b) => tf.mod(a, tf.add(tf.abs(b), 1)), 'int'),
  Multiply: paired(tf.mul, 'float', true),
  NotEqual: paired(tf.notEqual, 'int'),
  Pow: paired(tf.pow, 'positive', true),
  RealDiv: paired(tf.div, 'positive', true),
  SquaredDifference: paired(tf.squaredDifference),
  // tfjs's own gradients of these two are wrong for operands that broadcast, and for any but the last axis.
  SquaredDifferenceGradient: shapes.map((shape) => ({
    inputs: [
      { shape, kind: 'float' as const },
      { shape, kind: 'float' as const },
    ],
    run: (a, b) => tf.squaredDifference(a as tf.Tensor, b as tf.Tensor),
    hasGradient: true,
  })),
  Sub: paired(tf.sub, 'float', true),

  All: alongAxis((x, axis) => tf.all(x, axis), 'bool', false),
  Any: alongAxis((x, axis) => tf.any(x, axis, true), 'bool', false),
  ArgMax: alongAxis(tf.argMax, 'distinct', false),
  ArgMin: alongAxis(tf.argMin, 'distinct', false),
  Max: alongAxis((x, axis) => tf.max(x, axis), 'distinct'),
  Mean: alongAxis((x, axis) => tf.mean(x, axis, true)),
  Min: alongAxis((x, axis) => tf.min(x, axis, true), 'distinct'),
  Prod: alongAxis((x, axis) => tf.prod(x, axis), 'float', false),
  Sum: alongAxis((x, axis) => tf.sum(x, axis)),
  SumInt: alongAxis((x, axis) => tf.sum(x, axis, true), 'int', false),
  SumAll: dense((x) => tf.sum(x)),
  Softmax: dense((x) => tf.softmax(x)),
  LogSoftmax: dense((x) => tf.logSoftmax(x)),
  Cumsum: fc.tuple(fc.boolean(), fc.boolean(), shapes, fc.nat(10)).map(([exclusive, reverse, shape, axis]) => ({
    inputs: [{ shape, kind: 'float' as const }],
    run: (x: tf.Tensor) => tf.cumsum(x, axis % shape.length, exclusive, reverse),
    hasGradient: axis % shape.length === shape.length - 1,
  })),
  Reverse: alongAxis((x, axis) => tf.reverse(x, axis)),

  Reshape: dense((x) => tf.reshape(x, [-1, 1])),
  ExpandDims: alongAxis((x, axis) => tf.expandDims(x, axis)),
  Transpose: alongAxis((x, axis) => {
    const axes = x.shape.map((_, index) => index);
    return tf.transpose(
      x,
      axes.map((index) => (index + axis + x.rank) % x.rank),
    );
  }),
  Tile: shapes.map((shape) => ({
    inputs: [{ shape, kind: 'float' as const }],
    run: (x) =>
      tf.tile(
        x as tf.Tensor,
        shape.map((_, axis) => axis + 1),
      ),
    hasGradient: true,
  })),
  Slice: shapes.map((shape) => ({
    inputs: [{ shape, kind: 'float' as const }],
    run: (x) =>
      tf.slice(
        x as tf.Tensor,
        shape.map((length) => Math.floor(length / 2)),
      ),
    hasGradient: true,
  })),
  PadV2: shapes.map((shape) => ({
    inputs: [{ shape, kind: 'float' as const }],
    run: (x) =>
      tf.pad(
        x as tf.Tensor,
        shape.map((_, axis) => [axis, 1] as [number, number]),
        0.5,
      ),
    hasGradient: true,
  })),
  AddN: fc.tuple(shapes, size).map(([shape, count]) => ({
    inputs: Array.from({ length: count + 1 }, () => ({ shape, kind: 'float' as const })),
    run: (...all) => tf.addN(all),
    hasGradient: true,
  })),
  Concat: fc.tuple(shapes, fc.nat(10), size).map(([shape, choice, extra]) => {
    const axis = choice % shape.length;
    return {
      inputs: [shape, shape.with(axis, extra), shape].map((each) => ({ shape: each, kind: 'float' as const })),
      run: (...all) => tf.concat(all, axis - shape.length),
      hasGradient: true,
    };
  }),
  Pack: fc.tuple(shapes, fc.nat(10)).map(([shape, choice]) => ({
    inputs: [shape, shape].map((each) => ({ shape: each, kind: 'float' as const })),
    run: (...all) => tf.stack(all, choice % (shape.length + 1)),
    hasGradient: true,
  })),
  SplitV: fc.tuple(size, size).map(([left, right]) => ({
    inputs: [{ shape: [2, left + right], kind: 'float' as const }],
    run: (x) => tf.split(x as tf.Tensor, [left, right], -1),
    hasGradient: true,
  })),
  Unpack: alongAxis((x, axis) => tf.addN(tf.unstack(tf.concat([x, tf.mul(x, x)], axis), axis))),
  Select: shapes.map((shape) => ({
    inputs: [
      { shape, kind: 'bool' as const },
      { shape, kind: 'float' as const },
      { shape, kind: 'float' as const },
    ],
    run: (choice, yes, no) => tf.where(choice as tf.Tensor, yes as tf.Tensor, no as tf.Tensor),
    hasGradient: true,
  })),
  Fill: dense((x) => tf.mul(x, tf.fill(x.shape, 2.5))),
  Range: size.map((count) => ({
    inputs: [{ shape: [count], kind: 'float' as const }],
    run: (x) => tf.mul(x as tf.Tensor, tf.range(1, 1 + 0.5 * count, 0.5)),
    hasGradient: true,
  })),
  RangeInt: size.map((count) => ({
    inputs: [{ shape: [count], kind: 'int' as const }],
    run: (x) => tf.add(x as tf.Tensor, tf.range(10, 10 - 3 * count, -3, 'int32')),
    hasGradient: false,
  })),
  GatherV2: fc.tuple(shapes, fc.nat(10), size).map(([shape, choice, count]) => ({
    inputs: [
      { shape, kind: 'float' as const },
      { shape: [count, 2], kind: { below: shape[choice % shape.length] as number } },
    ],
    run: (x, ids) => tf.gather(x as tf.Tensor, ids as tf.Tensor2D, choice % shape.length),
    hasGradient: false,
  })),
  GatherRows: fc.tuple(size, size).map(([rows, count]) => ({
    inputs: [
      { shape: [rows, 3], kind: 'float' as const },
      { shape: [count], kind: { below: rows } },
    ],
    run: (x, ids) => tf.gather(x as tf.Tensor, ids as tf.Tensor1D),
    hasGradient: true,
  })),
  GatherBatched: fc.tuple(size, size, size, size).map(([batch, middle, rows, count]) => ({
    inputs: [
      { shape: [batch, middle, rows, 2], kind: 'float' as const },
      { shape: [batch, count], kind: { below: rows } },
    ],
    run: (x, ids) => tf.gather(x as tf.Tensor, ids as tf.Tensor2D, 2, 1),
    hasGradient: false,
  })),
  GatherNd: fc.tuple(size, size).map(([rows, count]) => ({
    inputs: [
      { shape: [rows, rows, 2], kind: 'float' as const },
      { shape: [count, 2], kind: { below: rows } },
    ],
    run: (x, ids) => tf.gatherND(x as tf.Tensor, ids as tf.Tensor2D),
    hasGradient: false,
  })),
  ScatterNd: fc.tuple(size, size).map(([rows, count]) => ({
    inputs: [
      { shape: [count, 1], kind: { below: rows } },
      { shape: [count, 2], kind: 'float' as const },
    ],
    run: (ids, updates) => tf.scatterND(ids as tf.Tensor2D, updates as tf.Tensor, [rows, 2]),
    hasGradient: false,
  })),
  UnsortedSegmentSum: fc.tuple(size, size).map(([rows, count]) => ({
    inputs: [
      { shape: [count, 3], kind: 'float' as const },
      { shape: [count], kind: { below: rows } },
    ],
    run: (x, ids) => tf.unsortedSegmentSum(x as tf.Tensor, ids as tf.Tensor1D, rows),
    hasGradient: true,
  })),
  OneHot: fc.tuple(fc.integer({ min: 2, max: 5 }), size).map(([depth, count]) => ({
    inputs: [{ shape: [count, 2], kind: { below: depth } }],
    run: (ids) => tf.oneHot(ids as tf.Tensor2D, depth, 2, -1, 'float32'),
    hasGradient: false,
  })),
  TopK: fc.tuple(size, size).map(([rows, width]) => ({
    inputs: [{ shape: [rows, width + 1], kind: 'distinct' as const }],
    run: (x) => {
      const { values, indices } = tf.topk(x as tf.Tensor, width, true);
      return [values, indices];
    },
    hasGradient: false,
  })),
  BatchMatMul: products((a, b, [transposeA, transposeB]) => tf.matMul(a, b, transposeA, transposeB)),

  PeftMatMul: products((a, b, [transposeA, transposeB]) => ops.matMul(a, b, transposeA, transposeB)),
  PeftGather: fc.tuple(size, size).map(([rows, count]) => ({
    inputs: [
      { shape: [rows, 3], kind: 'float' as const },
      { shape: [count, 2], kind: { below: rows } },
    ],
    run: (table, ids) => ops.gather(table as tf.Tensor, ids as tf.Tensor),
    hasGradient: true,
  })),
  PeftGelu: dense(ops.gelu),
  PeftGeluTanh: dense(ops.geluTanh),
  PeftLayerNorm: rowsOf(fc.integer({ min: 2, max: 6 })).map(([rows, width]) => ({
    inputs: [
      { shape: [2, rows, width], kind: 'float' as const },
      { shape: [width], kind: 'float' as const },
      { shape: [width], kind: 'float' as const },
    ],
    run: (x, gain, bias) => ops.layerNorm(x as tf.Tensor, gain as tf.Tensor, bias as tf.Tensor, 1e-3),
    hasGradient: true,
  })),
  PeftSilu: dense(ops.silu),
  PeftRmsNorm: rowsOf(fc.integer({ min: 2, max: 6 })).map(([rows, width]) => ({
    inputs: [
      { shape: [2, rows, width], kind: 'float' as const },
      { shape: [width], kind: 'float' as const },
    ],
    run: (x, gain) => ops.rmsNorm(x as tf.Tensor, gain as tf.Tensor, 1e-3),
    hasGradient: true,
  })),
  PeftRotary: fc.tuple(size, size, fc.constantFrom([], [2], [2, 3])).map(([places, half, leading]) => ({
    inputs: [{ shape: [...leading, places, 2 * half], kind: 'float' as const }],
    run: (x) => {
      const angles = tf.range(0, places * half).reshape([places, half]);
      return ops.rotary(x as tf.Tensor, tf.cos(angles), tf.sin(angles));
    },
    hasGradient: true,
  })),
  PeftSoftmaxCrossEntropy: fc.tuple(size, size).map(([rows, classes]) => ({
    inputs: [
      { shape: [rows, classes], kind: 'float' as const },
      { shape: [rows], kind: { below: classes } },
    ],
    run: (logits, labels) => ops.softmaxCrossEntropy(logits as tf.Tensor, labels as tf.Tensor, { ignore: 1 }),
    hasGradient: true,
  })),
  PeftLinearCrossEntropy: linearLosses(false),
  PeftLinearCrossEntropyWithGradient: linearLosses(true),
  PeftDropout: fc.tuple(shapes, fc.constantFrom(0.1, 0.25, 0.5, 0.9)).map(([shape, rate]) => ({
    inputs: [
      { shape, kind: 'float' as const },
      { shape: [2], kind: 'int' as const },
    ],
    run: (x, key) => ops.dropout(x as tf.Tensor, rate, key as tf.Tensor),
    hasGradient: true,
  })),
  PeftAdamW: fc.tuple(shapes, fc.constantFrom(0, 0.1)).map(([shape, weightDecay]) => ({
    inputs: [
      { shape, kind: 'float' as const },
      { shape, kind: 'float' as const },
      { shape, kind: 'float' as const },
      { shape, kind: 'positive' as const },
      scalars,
      scalars,
      scalars,
    ],
    run: (...all) => {
      const [param, grad, m, v, learningRate, correction1, correction2] = all as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      const next = ops.adamw(
        { param, grad, m, v },
        { learningRate, correction1, correction2 },
        { beta1: 0.9, beta2: 0.99, epsilon: 1e-6, weightDecay },
      );
      return [next.param, next.m, next.v];
    },
    hasGradient: false,
  })),

  ...attentionCases,
  ...tripletCases,
};

/** Values of one input. Distinct values are apart by more than rounding, so that places do not depend on it. */
export function valuesOf({ shape, kind }: OpCase['inputs'][number], seed: number): tf.Tensor {
  const count = shape.reduce((product, length) => product * length, 1);
  const uniforms = ops.uniforms(ops.fold(seed, 'values'), count);
  const at = [...shape];
  if (typeof kind === 'object')
    return tf.tensor(
      Int32Array.from(uniforms, (u) => Math.floor(u * kind.below)),
      at,
      'int32',
    );
  switch (kind) {
    case 'float':
      return tf.tensor(
        Float32Array.from(uniforms, (u) => 4 * u - 2),
        at,
      );
    case 'positive':
      return tf.tensor(
        Float32Array.from(uniforms, (u) => 0.25 + 2 * u),
        at,
      );
    case 'int':
      return tf.tensor(
        Int32Array.from(uniforms, (u) => Math.floor(20 * u) - 10),
        at,
        'int32',
      );
    case 'bool':
      return tf.tensor(
        Uint8Array.from(uniforms, (u) => Number(u < 0.5)),
        at,
        'bool',
      );
    case 'distinct':
      return tf.tensor(
        Float32Array.from(ops.permutation(ops.fold(seed, 'order'), count), (place) => place / 7 - 1),
        at,
      );
  }
}
