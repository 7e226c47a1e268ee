import { gelu, layerNorm, matMul, uniforms } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  capture,
  checkGraph,
  type Graph,
  type OutputTree,
  type Pass,
  recompute,
  replay,
  runPasses,
  schedule,
  standardPasses,
} from '../src/index.ts';
import { groupProductsFrom } from '../src/passes/groupProducts.ts';

type Matrix = tf.Tensor2D;
type Step = (a: Matrix, b: Matrix) => tf.Tensor;

/** Each takes and gives a [4, 4] matrix whose values stay small; between them they give every pass something to do. */
const steps: readonly Step[] = [
  (a) => tf.clone(a),
  (a, b) => tf.tanh(tf.add(a, b)),
  (a) => tf.mul(a, tf.ones([4, 4])),
  (a) => tf.mul(tf.sum(a, 0, true), tf.ones([4, 4])),
  (a) => tf.tanh(tf.mul(tf.mul(a, 2), 0.25)),
  (a) => tf.div(a, 3),
  (a) => tf.add(tf.sub(a, 0), tf.zeros([4, 4])),
  (a) => tf.transpose(a),
  (a) => tf.reshape(tf.reshape(tf.neg(tf.reshape(a, [16])), [2, 8]), [4, 4]),
  (a, b) => tf.reshape(tf.sub(tf.reshape(a, [2, 8]), tf.reshape(b, [2, 8])), [4, 4]),
  (a, b) => tf.tanh(matMul(tf.transpose(a), b)),
  (a, b) => tf.tanh(tf.transpose(matMul(a, b, false, true))),
  (a, b) => tf.tanh(tf.add(matMul(a, b), matMul(matMul(a, tf.slice(b, [0, 0], [4, 2])), tf.slice(b, [2, 0], [2, 4])))),
  (a) => tf.sqrt(tf.add(tf.pow(a, 2), 0.5)),
  (a) => tf.pow(tf.add(tf.square(a), tf.fill([4, 4], 1)), -0.5),
  (a) => tf.add(a, tf.exp(tf.zeros([4, 4]))),
  (a) => tf.neg(tf.neg(a)),
  (a, b) => tf.concat([tf.slice(a, [0, 0], [2, 4]), tf.slice(b, [2, 0], [2, 4])]),
  (a) => tf.leakyRelu(a, 0.1),
  (a) => gelu(layerNorm(a, tf.ones([4]), tf.zeros([4]), 1e-3)),
  (a, b) => tf.tile(tf.reshape(tf.mean(tf.mul(a, b), 1), [4, 1]), [1, 4]),
];

const programs = fc.record({
  steps: fc.array(fc.record({ step: fc.nat(steps.length - 1), a: fc.nat(6), b: fc.nat(6) }), {
    minLength: 3,
    maxLength: 14,
  }),
  hasGradient: fc.boolean(),
});

function functionOf({
  steps: list,
  hasGradient,
}: {
  steps: readonly { step: number; a: number; b: number }[];
  hasGradient: boolean;
}) {
  const value = (x: tf.Tensor, y: tf.Tensor) => {
    const made: Matrix[] = [x as Matrix, y as Matrix];
    for (const { step, a, b } of list) {
      const pick = (index: number) => made[made.length - 1 - (index % made.length)] as Matrix;
      made.push((steps[step] as Step)(pick(a), pick(b)) as Matrix);
    }
    return made.at(-1) as Matrix;
  };
  return ({ x, y }: { x: tf.Tensor; y: tf.Tensor }): OutputTree => {
    if (!hasGradient) return { z: value(x, y) };
    const grad = (by: tf.Tensor) => tf.grad((each) => tf.sum(value(each, y)).add(tf.sum(tf.mul(each, y))))(by);
    return { z: value(x, y), dx: grad(x) };
  };
}

function valuesOf(graph: Graph, inputs: Record<string, tf.Tensor>): Record<string, Float32Array> {
  const outputs = replay(graph, inputs) as Record<string, tf.Tensor>;
  const values = Object.fromEntries(Object.entries(outputs).map(([name, each]) => [name, each.dataSync<'float32'>()]));
  tf.dispose(outputs);
  return values;
}

function expectSame(actual: Record<string, Float32Array>, expected: Record<string, Float32Array>): void {
  for (const [name, values] of Object.entries(expected)) {
    const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    const gap = Math.sqrt(values.reduce((sum, value, i) => sum + (value - (actual[name]?.[i] ?? Number.NaN)) ** 2, 0));
    expect(gap, name).toBeLessThanOrEqual(2e-6 * (1 + norm));
  }
}

describe('a replay before equals a replay after', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });
  const inputs = () => ({ x: tf.tensor(uniforms(1, 16), [4, 4]), y: tf.tensor(uniforms(2, 16), [4, 4]) });

  const eager = standardPasses.map((pass) => (pass.name === 'groupProducts' ? groupProductsFrom(0) : pass));
  const passes = [...eager, recompute({ budgetBytes: 0 }), schedule];

  it.each(passes.map((pass) => [pass.name, pass] as const))('%s, on random graphs', (_, pass) => {
    const given = inputs();
    let fired = 0;
    const check = (graph: Graph, only: readonly Pass[]) => {
      const before = valuesOf(graph, given);
      const after = runPasses(graph, { passes: only, onPass: (_pass, next) => checkGraph(next) });
      if (after !== graph) fired++;
      checkGraph(after);
      expectSame(valuesOf(after, given), before);
    };
    fc.assert(
      fc.property(programs, (program) => {
        const raw = capture(functionOf(program), { inputs: given });
        check(raw, [pass]);
        check(runPasses(raw, { passes: standardPasses.filter((other) => other !== pass) }), [pass]);
      }),
      { numRuns: 25 },
    );
    expect(fired).toBeGreaterThan(0);
  });

  it('all together, which leave nothing for a second time', () => {
    const given = inputs();
    fc.assert(
      fc.property(programs, (program) => {
        const raw = capture(functionOf(program), { inputs: given });
        const after = runPasses(raw, { onPass: (_pass, next) => checkGraph(next) });
        expectSame(valuesOf(after, given), valuesOf(raw, given));
        expect(after.nodes.length).toBeLessThanOrEqual(raw.nodes.length);
        expect(runPasses(after)).toBe(after);
      }),
      { numRuns: 60 },
    );
  });
});
