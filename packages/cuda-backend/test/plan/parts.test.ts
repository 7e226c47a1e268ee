import { capture, evaluate, type Graph, type HostTensor } from '@peft/graph';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Precision } from '../../src/lowering/emitter.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { planGraph } from '../../src/plan/planGraph.ts';
import { anyTensor } from '../rows/anyTensor.ts';
import { simulated } from '../simulator/simulated.ts';
import { simulatedDescription } from '../simulator/simulatedDescription.ts';
import { runPlan } from './runPlan.ts';

type Outputs = Readonly<Record<string, tf.Tensor>>;

const shape = [6, 4, 8];

function captured(run: (x: tf.Tensor) => Outputs): Graph {
  const inputs = { x: { shape, dtype: 'float32' as const } };
  // The input is made by the graph, since memory of inputs and of results lies apart.
  return capture((given) => run(tf.relu(given.x)) as never, { inputs });
}

const plan = (graph: Graph, precision: Precision = 'float32'): Plan =>
  planGraph(graph, { device: simulatedDescription, precision, hasProductLibrary: true });

/** Kernels of layout that a plan runs. */
const launchesOf = (graph: Graph) =>
  plan(graph).commands.flatMap((command) => {
    const kernel = command.kind === 'kernel' || command.kind === 'many' ? command.kernel : undefined;
    return kernel?.file === 'layout' ? [kernel.name] : [];
  });

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('launches', () => {
  it.each<readonly [string, (x: tf.Tensor) => Outputs, readonly string[]]>([
    ['rows', (x) => ({ y: tf.neg(tf.slice(x, [2, 0, 0], [3, 4, 8])) }), []],
    ['rows of one matrix', (x) => ({ y: tf.neg(tf.slice(x, [2, 1, 0], [1, 2, 8])) }), []],
    ['a run within a row that begins at an access', (x) => ({ y: tf.neg(tf.slice(x, [2, 1, 4], [1, 1, 3])) }), []],
    ['a run that begins between two', (x) => ({ y: tf.neg(tf.slice(x, [2, 1, 3], [1, 1, 4])) }), ['copyStrided']],
    ['rows of several matrices', (x) => ({ y: tf.neg(tf.slice(x, [2, 1, 0], [2, 2, 8])) }), ['copyStrided']],
    ['columns', (x) => ({ y: tf.neg(tf.slice(x, [0, 0, 4], [6, 4, 4])) }), ['copyStrided']],
    ['parts along the first axis', (x) => ({ y: tf.neg(tf.split(x, [1, 5], 0)[1] as tf.Tensor) }), []],
    ['parts along another axis', (x) => ({ y: tf.neg(tf.split(x, [1, 3], 1)[1] as tf.Tensor) }), ['moveParts']],
    ['rows one by one', (x) => ({ y: tf.neg(tf.unstack(x, 0)[3] as tf.Tensor) }), []],
    ['columns one by one', (x) => ({ y: tf.neg(tf.unstack(x, 2)[3] as tf.Tensor) }), ['moveParts']],
  ])('%s', (_, run, wanted) => {
    expect(launchesOf(captured(run))).toEqual(wanted);
  });
});

simulated('parts are memory of the whole', () => {
  const drawn = fc.record({
    begin: fc.tuple(fc.nat(5), fc.nat(3), fc.nat(7)),
    split: fc.integer({ min: 1, max: 5 }),
    precision: fc.constantFrom<Precision>('float32', 'bf16'),
    seed: fc.nat(1e6),
  });

  it('read, returned, shown under other shapes and cut again, while the whole is read too', () => {
    fc.assert(
      fc.property(drawn, ({ begin, split, precision, seed }) => {
        const graph = captured((x) => {
          const rows = tf.slice(x, [begin[0], 0, 0], [6 - begin[0], 4, 8]);
          const run = tf.slice(rows, [0, begin[1], begin[2]], [1, 1, 8 - begin[2]]);
          const [above, below] = tf.split(x, [split, 6 - split], 0) as [tf.Tensor, tf.Tensor];
          return {
            rows: tf.exp(rows),
            run: tf.mul(tf.reshape(run, [-1]), 2),
            above: tf.reshape(above, [-1, 8]),
            sum: tf.sum(below),
            whole: tf.add(x, 1),
            product: tf.matMul(tf.reshape(below, [-1, 8]), tf.reshape(x, [-1, 8]), false, true),
            first: tf.unstack(x, 0)[begin[0]] as tf.Tensor,
          };
        });
        const inputs = new Map<string, HostTensor>([['x', anyTensor(shape, { dtype: 'float32', seed })]]);
        const expected = evaluate(graph, inputs);
        const results = runPlan(plan(graph, precision), { graph, inputs, order: { seed } });
        const tolerance = precision === 'bf16' ? 2e-2 : 1e-5;
        for (const [name, { data }] of expected) {
          const found = Array.from(results.get(`outputs/${name}`) ?? []);
          expect(found.length, name).toBe(data.length);
          const gaps = found.map((each, index) => Math.abs(each - (data[index] as number)));
          expect(Math.max(...gaps), name).toBeLessThanOrEqual(tolerance * Math.hypot(1, ...Array.from(data)));
        }
      }),
      { numRuns: 15 },
    );
  });
});
