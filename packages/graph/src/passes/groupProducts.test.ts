import { matMul } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { capture, type OutputTree } from '../capture/capture.ts';
import { checkGraph } from '../checkGraph.ts';
import { printGraph } from '../printGraph.ts';
import { groupProducts, groupProductsFrom } from './groupProducts.ts';
import { runPasses } from './runPasses.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const floats = (...shape: readonly number[]) => ({ shape, dtype: 'float32' });

const adapters = {
  x: floats(64, 32),
  qa: floats(32, 2),
  qb: floats(2, 32),
  va: floats(32, 3),
  vb: floats(3, 32),
};

type Named = Record<keyof typeof adapters, tf.Tensor>;

const lowRank = ({ x, qa, qb, va, vb }: Named) => {
  const loss = (each: tf.Tensor, a: tf.Tensor, b: tf.Tensor) =>
    tf.sum(tf.square(matMul(matMul(each, a), qb))).add(tf.sum(tf.square(matMul(matMul(each, b), vb))));
  const [dx, dqa, dva] = tf.grads(loss as never)([x, qa, va]);
  return { dx, dqa, dva } as OutputTree;
};

it('two adapters of one input: their down-projections, the gradients of these, and what they add to the input gradient', () => {
  const after = runPasses(capture(lowRank as never, { inputs: adapters }));
  checkGraph(after);
  expect(printGraph(after)).toMatchInlineSnapshot(`
    "%0: float32[64,32] = input "x"
    %1: float32[32,2] = input "qa"
    %2: float32[2,32] = input "qb"
    %3: float32[32,3] = input "va"
    %4: float32[3,32] = input "vb"
    %5: float32[] = constant 2
    %6: float32[32,5] = Concat(%1, %3) { axis: 1 }
    %7: float32[64,5] = PeftMatMul(%0, %6) { transposeA: false, transposeB: false }
    %8: float32[64,2], %9: float32[64,3] = SplitV(%7) { axis: 1, numOrSizeSplits: [2,3] }
    %10: float32[64,32] = PeftMatMul(%8, %2) { transposeA: false, transposeB: false }
    %11: float32[64,32] = PeftMatMul(%9, %4) { transposeA: false, transposeB: false }
    %12: float32[64,32] = Multiply(%11, %5)
    %13: float32[64,3] = PeftMatMul(%12, %4) { transposeA: false, transposeB: true }
    %14: float32[64,32] = Multiply(%10, %5)
    %15: float32[64,2] = PeftMatMul(%14, %2) { transposeA: false, transposeB: true }
    %16: float32[64,5] = Concat(%13, %15) { axis: 1 }
    %17: float32[32,5] = PeftMatMul(%0, %16) { transposeA: true, transposeB: false }
    %18: float32[32,3], %19: float32[32,2] = SplitV(%17) { axis: 1, numOrSizeSplits: [3,2] }
    %20: float32[32,5] = Concat(%3, %1) { axis: 1 }
    %21: float32[64,32] = PeftMatMul(%16, %20) { transposeA: false, transposeB: true }
    return { "dx": %21, "dqa": %19, "dva": %18 }
    "
  `);
});

it('leaves alone what one needs to make the other, wide products, and sharing too small to pay', () => {
  const unchanged = (run: (given: Named) => OutputTree, pass = groupProductsFrom(0)) => {
    const graph = capture(run as never, { inputs: adapters });
    expect(pass.rewrite(graph)).toBe(graph);
  };
  unchanged(({ x, qa, vb }) => {
    const first = matMul(x, qa); // [64, 2]
    const folded = matMul(tf.slice(first, [0, 0], [32, 2]), tf.slice(vb, [0, 0], [2, 3])); // [32, 3]
    return { first, second: matMul(x, folded) };
  });
  unchanged(({ x }) => ({ a: matMul(x, x, true), b: matMul(x, tf.tile(x, [1, 2]), true) }));
  unchanged(({ qa, qb, vb }) => ({ a: matMul(qa, qb), b: matMul(qa, tf.slice(vb, [0, 0], [2, 32])) }), groupProducts);
});

it('groups that need each other are joined one at a time', () => {
  const run = ({ x, qa, va }: Named): OutputTree => {
    const y = tf.neg(x);
    const p = matMul(x, qa);
    const q = matMul(y, tf.add(qa, tf.slice(p, [0, 0], [32, 2])));
    const r = matMul(y, va);
    const s = matMul(x, tf.add(va, tf.slice(r, [0, 0], [32, 3])));
    return { p, q, r, s };
  };
  const graph = capture(run as never, { inputs: adapters });
  const after = groupProductsFrom(0).rewrite(graph);
  checkGraph(after);
  expect(after.nodes.filter(({ op }) => op === 'PeftMatMul')).toHaveLength(3);
});
