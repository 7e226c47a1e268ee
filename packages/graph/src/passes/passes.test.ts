import { matMul } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { capture, type OutputTree } from '../capture/capture.ts';
import { checkGraph } from '../checkGraph.ts';
import { GraphError } from '../graphError.ts';
import { printGraph } from '../printGraph.ts';
import { algebra } from './algebra.ts';
import { aliases } from './aliases.ts';
import { commonSubexpressions } from './commonSubexpressions.ts';
import { deadCode } from './deadCode.ts';
import { folding } from './folding.ts';
import type { Pass } from './pass.ts';
import { reshapesOutward } from './reshapesOutward.ts';
import { runPasses, standardPasses } from './runPasses.ts';
import { transposesIntoProducts } from './transposesIntoProducts.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Run = (given: { x: tf.Tensor; y: tf.Tensor }) => OutputTree;

const matrix = { shape: [2, 3], dtype: 'float32' } as const;

/** The graph before, one application of the pass, and what dead code leaves of it. */
function applied(pass: Pass, run: Run): string {
  const before = capture(run, { inputs: { x: matrix, y: matrix } });
  const after = pass.rewrite(before);
  checkGraph(after);
  return `${printGraph(before)}\n${pass.name}\n\n${printGraph(deadCode.rewrite(after))}`;
}

describe('a pass, before and after', () => {
  it('aliases', () => {
    const run: Run = ({ x }) => ({
      chain: tf.reshape(tf.reshape(tf.expandDims(tf.clone(x), 0), [6]), [3, 2]),
      cast: tf.cast(x, 'float32'),
      turned: tf.transpose(tf.transpose(x)),
      row: tf.transpose(tf.reshape(x, [6, 1])),
      once: tf.tile(tf.sum(tf.reshape(x, [1, 2, 3]), 0), [1, 1]),
    });
    expect(applied(aliases, run)).toMatchInlineSnapshot(`
      "%0: float32[2,3] = input "x"
      %1: float32[2,3] = input "y"
      %2: float32[2,3] = Identity(%0)
      %3: float32[1,2,3] = ExpandDims(%2) { dim: 0 }
      %4: float32[6] = Reshape(%3) { shape: [6] }
      %5: float32[3,2] = Reshape(%4) { shape: [3,2] }
      %6: float32[2,3] = Cast(%0) { dtype: "float32" }
      %7: float32[3,2] = Transpose(%0) { perm: [1,0] }
      %8: float32[2,3] = Transpose(%7) { perm: [1,0] }
      %9: float32[6,1] = Reshape(%0) { shape: [6,1] }
      %10: float32[1,6] = Transpose(%9) { perm: [1,0] }
      %11: float32[1,2,3] = Reshape(%0) { shape: [1,2,3] }
      %12: float32[2,3] = Sum(%11) { axis: [0], keepDims: false }
      %13: float32[2,3] = Tile(%12) { reps: [1,1] }
      return { "chain": %5, "cast": %6, "turned": %8, "row": %10, "once": %13 }

      aliases

      %0: float32[2,3] = input "x"
      %1: float32[2,3] = input "y"
      %2: float32[3,2] = Reshape(%0) { shape: [3,2] }
      %3: float32[2,3] = Transpose(%0) { perm: [0,1] }
      %4: float32[6,1] = Reshape(%0) { shape: [6,1] }
      %5: float32[1,6] = Reshape(%4) { shape: [1,6] }
      %6: float32[1,2,3] = Reshape(%0) { shape: [1,2,3] }
      %7: float32[2,3] = Sum(%6) { axis: [0], keepDims: false }
      return { "chain": %2, "cast": %0, "turned": %3, "row": %5, "once": %7 }
      "
    `);
  });

  it('folding', () => {
    const run: Run = ({ x }) => ({
      full: tf.add(x, tf.sqrt(tf.mul(tf.fill([2, 3], 8), tf.onesLike(x)))),
      small: tf.mul(x, tf.cumsum(tf.tensor1d([1, 2, 3]))),
      large: tf.sum(tf.neg(tf.zeros([500, 500]))),
    });
    expect(applied(folding, run)).toMatchInlineSnapshot(`
      "%0: float32[2,3] = input "x"
      %1: float32[2,3] = input "y"
      %2: float32[3] = constant [1, 2, 3]
      %3: float32[500,500] = constant 0
      %4: float32[2,3] = Fill() { shape: [2,3], value: 8, dtype: "float32" }
      %5: float32[2,3] = OnesLike(%0)
      %6: float32[2,3] = Multiply(%4, %5)
      %7: float32[2,3] = Sqrt(%6)
      %8: float32[2,3] = Add(%0, %7)
      %9: float32[3] = Cumsum(%2) { axis: 0, exclusive: false, reverse: false }
      %10: float32[2,3] = Multiply(%0, %9)
      %11: float32[500,500] = Neg(%3)
      %12: float32[] = Sum(%11) { axis: [0,1], keepDims: false }
      return { "full": %8, "small": %10, "large": %12 }

      folding

      %0: float32[2,3] = input "x"
      %1: float32[2,3] = input "y"
      %2: float32[2,3] = constant 2.828427
      %3: float32[3] = constant [1, 3, 6]
      %4: float32[500,500] = constant -0
      %5: float32[2,3] = Add(%0, %2)
      %6: float32[2,3] = Multiply(%0, %3)
      %7: float32[] = Sum(%4) { axis: [0,1], keepDims: false }
      return { "full": %5, "small": %6, "large": %7 }
      "
    `);
  });

  it('algebra', () => {
    const run: Run = ({ x, y }) => ({
      neutral: tf.sub(tf.add(tf.mul(x, 1), 0), tf.zeros([2, 3])),
      grown: tf.mul(tf.sum(x, 0, true), tf.ones([2, 3])),
      powers: tf.add(tf.pow(x, 2), tf.pow(y, -0.5)),
      factors: tf.mul(tf.div(x, 4), 3),
      number: tf.maximum(x, tf.fill([2, 3], 0.5)),
      broadcast: tf.add(y, tf.tile(tf.slice(x, [0, 0], [1, 3]), [2, 1])),
      twice: tf.neg(tf.neg(x)),
    });
    expect(
      applied({ ...algebra, rewrite: (graph) => algebra.rewrite(folding.rewrite(graph)) }, run),
    ).toMatchInlineSnapshot(`
      "%0: float32[2,3] = input "x"
      %1: float32[2,3] = input "y"
      %2: float32[] = constant 1
      %3: float32[] = constant 0
      %4: float32[2,3] = constant 0
      %5: float32[2,3] = constant 1
      %6: float32[] = constant 2
      %7: float32[] = constant -0.5
      %8: float32[] = constant 4
      %9: float32[] = constant 3
      %10: float32[2,3] = Multiply(%0, %2)
      %11: float32[2,3] = Add(%10, %3)
      %12: float32[2,3] = Sub(%11, %4)
      %13: float32[1,3] = Sum(%0) { axis: [0], keepDims: true }
      %14: float32[2,3] = Multiply(%13, %5)
      %15: float32[2,3] = Pow(%0, %6)
      %16: float32[2,3] = Pow(%1, %7)
      %17: float32[2,3] = Add(%15, %16)
      %18: float32[2,3] = RealDiv(%0, %8)
      %19: float32[2,3] = Multiply(%18, %9)
      %20: float32[2,3] = Fill() { shape: [2,3], value: 0.5, dtype: "float32" }
      %21: float32[2,3] = Maximum(%0, %20)
      %22: float32[1,3] = Slice(%0) { begin: [0,0], size: [1,3] }
      %23: float32[2,3] = Tile(%22) { reps: [2,1] }
      %24: float32[2,3] = Add(%1, %23)
      %25: float32[2,3] = Neg(%0)
      %26: float32[2,3] = Neg(%25)
      return { "neutral": %12, "grown": %14, "powers": %17, "factors": %19, "number": %21, "broadcast": %24, "twice": %26 }

      algebra

      %0: float32[2,3] = input "x"
      %1: float32[2,3] = input "y"
      %2: float32[] = constant 0.75
      %3: float32[] = constant 0.5
      %4: float32[1,3] = Sum(%0) { axis: [0], keepDims: true }
      %5: float32[2,3] = Tile(%4) { reps: [2,1] }
      %6: float32[2,3] = Square(%0)
      %7: float32[2,3] = Rsqrt(%1)
      %8: float32[2,3] = Add(%6, %7)
      %9: float32[2,3] = Multiply(%0, %2)
      %10: float32[2,3] = Maximum(%0, %3)
      %11: float32[1,3] = Slice(%0) { begin: [0,0], size: [1,3] }
      %12: float32[2,3] = Add(%1, %11)
      return { "neutral": %0, "grown": %5, "powers": %8, "factors": %9, "number": %10, "broadcast": %12, "twice": %0 }
      "
    `);
  });

  it('reshapesOutward', () => {
    const run: Run = ({ x, y }) => ({
      z: tf.reshape(tf.mul(tf.tanh(tf.reshape(x, [6])), 2), [3, 2]),
      w: tf.sub(tf.reshape(x, [6]), tf.reshape(y, [6])),
      kept: tf.add(tf.reshape(x, [3, 2]), tf.reshape(y, [2, 3]).sum(0, true).reshape([3, 1])),
    });
    expect(applied(reshapesOutward, run)).toMatchInlineSnapshot(`
      "%0: float32[2,3] = input "x"
      %1: float32[2,3] = input "y"
      %2: float32[] = constant 2
      %3: float32[6] = Reshape(%0) { shape: [6] }
      %4: float32[6] = Tanh(%3)
      %5: float32[6] = Multiply(%4, %2)
      %6: float32[3,2] = Reshape(%5) { shape: [3,2] }
      %7: float32[6] = Reshape(%0) { shape: [6] }
      %8: float32[6] = Reshape(%1) { shape: [6] }
      %9: float32[6] = Sub(%7, %8)
      %10: float32[3,2] = Reshape(%0) { shape: [3,2] }
      %11: float32[2,3] = Reshape(%1) { shape: [2,3] }
      %12: float32[1,3] = Sum(%11) { axis: [0], keepDims: true }
      %13: float32[3,1] = Reshape(%12) { shape: [3,1] }
      %14: float32[3,2] = Add(%10, %13)
      return { "z": %6, "w": %9, "kept": %14 }

      reshapesOutward

      %0: float32[2,3] = input "x"
      %1: float32[2,3] = input "y"
      %2: float32[] = constant 2
      %3: float32[2,3] = Tanh(%0)
      %4: float32[2,3] = Multiply(%3, %2)
      %5: float32[6] = Reshape(%4) { shape: [6] }
      %6: float32[3,2] = Reshape(%5) { shape: [3,2] }
      %7: float32[2,3] = Sub(%0, %1)
      %8: float32[6] = Reshape(%7) { shape: [6] }
      %9: float32[3,2] = Reshape(%0) { shape: [3,2] }
      %10: float32[2,3] = Reshape(%1) { shape: [2,3] }
      %11: float32[1,3] = Sum(%10) { axis: [0], keepDims: true }
      %12: float32[3,1] = Reshape(%11) { shape: [3,1] }
      %13: float32[3,2] = Add(%9, %12)
      return { "z": %6, "w": %8, "kept": %13 }
      "
    `);
  });

  it('transposesIntoProducts', () => {
    const run: Run = ({ x, y }) => {
      const shared = matMul(x, y, true);
      return {
        operand: matMul(tf.transpose(x), y),
        both: tf.matMul(tf.transpose(x) as tf.Tensor2D, tf.transpose(y) as tf.Tensor2D, true, false),
        result: tf.transpose(matMul(x, y, false, true)),
        shared,
        turned: tf.transpose(shared),
      };
    };
    expect(applied(transposesIntoProducts, run)).toMatchInlineSnapshot(`
      "%0: float32[2,3] = input "x"
      %1: float32[2,3] = input "y"
      %2: float32[3,3] = PeftMatMul(%0, %1) { transposeA: true, transposeB: false }
      %3: float32[3,2] = Transpose(%0) { perm: [1,0] }
      %4: float32[3,3] = PeftMatMul(%3, %1) { transposeA: false, transposeB: false }
      %5: float32[3,2] = Transpose(%0) { perm: [1,0] }
      %6: float32[3,2] = Transpose(%1) { perm: [1,0] }
      %7: float32[2,2] = BatchMatMul(%5, %6) { transposeA: true, transposeB: false }
      %8: float32[2,2] = PeftMatMul(%0, %1) { transposeA: false, transposeB: true }
      %9: float32[2,2] = Transpose(%8) { perm: [1,0] }
      %10: float32[3,3] = Transpose(%2) { perm: [1,0] }
      return { "operand": %4, "both": %7, "result": %9, "shared": %2, "turned": %10 }

      transposesIntoProducts

      %0: float32[2,3] = input "x"
      %1: float32[2,3] = input "y"
      %2: float32[3,3] = PeftMatMul(%0, %1) { transposeA: true, transposeB: false }
      %3: float32[3,3] = PeftMatMul(%0, %1) { transposeA: true, transposeB: false }
      %4: float32[2,2] = BatchMatMul(%0, %1) { transposeA: false, transposeB: true }
      %5: float32[2,2] = PeftMatMul(%1, %0) { transposeA: false, transposeB: true }
      %6: float32[3,3] = Transpose(%2) { perm: [1,0] }
      return { "operand": %3, "both": %4, "result": %5, "shared": %2, "turned": %6 }
      "
    `);
  });

  it('commonSubexpressions', () => {
    const run: Run = ({ x, y }) => ({
      same: tf.mul(tf.add(tf.tanh(x), 2), tf.add(tf.tanh(x), 2)),
      constants: tf.add(tf.mul(y, tf.tensor1d([1, 2, 3])), tf.mul(x, tf.tensor1d([1, 2, 3]))),
      other: tf.sub(tf.sum(x, 0), tf.sum(x, 0, true)),
    });
    expect(applied(commonSubexpressions, run)).toMatchInlineSnapshot(`
      "%0: float32[2,3] = input "x"
      %1: float32[2,3] = input "y"
      %2: float32[] = constant 2
      %3: float32[] = constant 2
      %4: float32[3] = constant [1, 2, 3]
      %5: float32[3] = constant [1, 2, 3]
      %6: float32[2,3] = Tanh(%0)
      %7: float32[2,3] = Add(%6, %2)
      %8: float32[2,3] = Tanh(%0)
      %9: float32[2,3] = Add(%8, %3)
      %10: float32[2,3] = Multiply(%7, %9)
      %11: float32[2,3] = Multiply(%1, %4)
      %12: float32[2,3] = Multiply(%0, %5)
      %13: float32[2,3] = Add(%11, %12)
      %14: float32[3] = Sum(%0) { axis: [0], keepDims: false }
      %15: float32[1,3] = Sum(%0) { axis: [0], keepDims: true }
      %16: float32[1,3] = Sub(%14, %15)
      return { "same": %10, "constants": %13, "other": %16 }

      commonSubexpressions

      %0: float32[2,3] = input "x"
      %1: float32[2,3] = input "y"
      %2: float32[] = constant 2
      %3: float32[3] = constant [1, 2, 3]
      %4: float32[2,3] = Tanh(%0)
      %5: float32[2,3] = Add(%4, %2)
      %6: float32[2,3] = Multiply(%5, %5)
      %7: float32[2,3] = Multiply(%1, %3)
      %8: float32[2,3] = Multiply(%0, %3)
      %9: float32[2,3] = Add(%7, %8)
      %10: float32[3] = Sum(%0) { axis: [0], keepDims: false }
      %11: float32[1,3] = Sum(%0) { axis: [0], keepDims: true }
      %12: float32[1,3] = Sub(%10, %11)
      return { "same": %6, "constants": %9, "other": %12 }
      "
    `);
  });

  it('deadCode', () => {
    const unused = tf.tensor1d([1, 2, 3]);
    const run: Run = ({ x, y }) => {
      tf.add(tf.mul(x, unused), 5);
      const { values } = tf.topk(y, 2);
      return { values };
    };
    expect(applied(deadCode, run)).toMatchInlineSnapshot(`
      "%0: float32[2,3] = input "x"
      %1: float32[2,3] = input "y"
      %2: float32[3] = parameter "parameter0"
      %3: float32[] = constant 5
      %4: float32[2,3] = Multiply(%0, %2)
      %5: float32[2,3] = Add(%4, %3)
      %6: float32[2,2], %7: int32[2,2] = TopK(%1) { k: 2, sorted: true }
      return { "values": %6 }

      deadCode

      %0: float32[2,3] = input "x"
      %1: float32[2,3] = input "y"
      %2: float32[2,2], %3: int32[2,2] = TopK(%1) { k: 2, sorted: true }
      return { "values": %2 }
      "
    `);
    unused.dispose();
  });
});

describe('what a pass leaves alone', () => {
  const unchanged = (pass: Pass, run: Run) => {
    const graph = deadCode.rewrite(capture(run, { inputs: { x: matrix, y: matrix } }));
    expect(pass.rewrite(graph)).toBe(graph);
  };

  it('division by what float32 cannot invert in full, by zero, of integers', () => {
    unchanged(algebra, ({ x }) => ({ a: tf.div(x, 0), b: tf.div(x, 3e38), c: tf.div(x, 1e-39) }));
    unchanged(algebra, ({ x }) => ({ a: tf.floorDiv(tf.cast(x, 'int32'), tf.scalar(2, 'int32')) }));
  });

  it('factors whose product float32 cannot hold', () => {
    unchanged(algebra, ({ x }) => ({ a: tf.mul(tf.mul(x, 1e-30), 1e-30), b: tf.mul(tf.mul(x, 1e30), 1e30) }));
  });

  it('a constant computation too large to hold its result', () => {
    unchanged(folding, ({ x }) => ({ a: tf.add(x, tf.sum(tf.range(0, 1000))) }));
  });

  it('products of values that others read, permutations of other axes', () => {
    unchanged(transposesIntoProducts, ({ x, y }) => {
      const product = matMul(x, y, true);
      return {
        product,
        turned: tf.transpose(product),
        deep: matMul(tf.transpose(tf.reshape(x, [1, 2, 3]), [1, 0, 2]), tf.reshape(y, [2, 3, 1])),
      };
    });
  });
});

it('every pass says what it does', () => {
  for (const { name, doc } of standardPasses) expect(`${name}: ${doc}`).toMatch(/^\w+: [A-Z].*\.$/);
});

it('passes that undo each other are stopped', () => {
  const flip: Pass = { name: 'flip', doc: 'Never done.', rewrite: (graph) => ({ ...graph }) };
  const graph = capture(({ x }) => ({ x: tf.neg(x) }), { inputs: { x: matrix } });
  expect(() => runPasses(graph, { passes: [flip, deadCode] })).toThrow(
    new GraphError('graph/internal', "internal: the passes flip, deadCode undo each other's work; please report it."),
  );
});
