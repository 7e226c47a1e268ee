import { evaluate, type Graph, type Value } from '@peft/graph';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { fuseSteps } from '../../src/fusion/fuseSteps.ts';
import { cudaRowOf } from '../../src/lowering/cudaTable.ts';
import { planGraph } from '../../src/plan/planGraph.ts';
import type { Storage } from '../../src/plan/storage.ts';
import { runPlan } from '../plan/runPlan.ts';
import { expectNear } from '../rows/expectRow.ts';
import { simulated } from '../simulator/simulated.ts';
import { simulatedDescription } from '../simulator/simulatedDescription.ts';
import { captureElements, elementPrograms } from './elementPrograms.ts';
import { runSteps, wide } from './runSteps.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Programs are drawn many at a time: a text of kernels takes a second to compile, however many it holds. */
const drawn = (kind: 'elements' | 'rows') => fc.array(elementPrograms(kind), { minLength: 12, maxLength: 12 });

/** A view lies as what it shows, what is returned or exact is f32; else a float is bf16 or f32 by its place in the graph. */
function mixedStorage({ nodes, outputs, inputs }: Graph): (value: Value) => Storage {
  const storages = new Map<Value, Storage>();
  const returned = new Set(outputs.map(({ value }) => value));
  for (const [place, { value }] of inputs.entries()) storages.set(value, place % 3 ? wide(value) : 'f32');
  for (const [place, node] of nodes.entries()) {
    const { exact = [] } = cudaRowOf(node.op);
    for (const [index, output] of node.outputs.entries()) {
      const isView = ['Reshape', 'ExpandDims', 'Identity'].includes(node.op);
      const isWide = returned.has(output) || place % 2 === 1 || output.dtype !== 'float32' || exact.includes(index);
      const own = isWide ? wide(output) : 'bf16';
      storages.set(output, isView ? (storages.get(node.inputs[0] as Value) ?? wide(output)) : own);
    }
  }
  return (value) => storages.get(value) ?? wide(value);
}

const planned = { device: simulatedDescription, precision: 'float32', hasProductLibrary: true } as const;

simulated('fused kernels give what the steps alone give', () => {
  it('to the bit for operations on elements, in fewer launches', () => {
    let fused = 0;
    fc.assert(
      fc.property(drawn('elements'), (programs) => {
        const given = captureElements(programs);
        const alone = runSteps(given);
        const together = runSteps({ ...given, pass: fuseSteps });
        for (const [name, values] of alone.values) {
          if (given.graph.nodes.some(({ op }) => ['Sum', 'Mean'].includes(op)) && name.endsWith('dx')) {
            expectNear(together.values.get(name) ?? [], values, { what: name, tolerance: 1e-6 });
          } else expect(Array.from(together.values.get(name) ?? []), name).toEqual(Array.from(values));
        }
        fused += alone.commands - together.commands;
      }),
      { numRuns: 2, endOnFailure: true },
    );
    expect(fused).toBeGreaterThan(2 * 12);
  });

  it('within rounding for rows, and what the float64 references give', () => {
    fc.assert(
      fc.property(drawn('rows'), (programs) => {
        const given = captureElements(programs);
        const oracle = evaluate(given.graph, given.inputs);
        const together = runSteps({ ...given, pass: fuseSteps, order: { seed: 3 } });
        const plan = planGraph(given.graph, { ...planned, fuse: fuseSteps });
        const inArena = runPlan(plan, given);
        for (const [name, values] of together.values) {
          expect(Array.from(inArena.get(`outputs/${name}`) ?? []), name).toEqual(Array.from(values));
          // What is left where numbers of size 1 cancel is as exact as those were, to 1e-7.
          expectNear(values, oracle.get(`outputs/${name}`)?.data ?? [], {
            what: name,
            tolerance: 1e-5,
            leastScale: 0.01,
          });
        }
      }),
      { numRuns: 2, endOnFailure: true },
    );
  });

  it('in any storages', () => {
    fc.assert(
      fc.property(drawn('rows'), (programs) => {
        const given = captureElements(programs.map((program) => ({ ...program, hasGradient: false })));
        const storageOf = mixedStorage(given.graph);
        const alone = runSteps({ ...given, storageOf });
        const together = runSteps({ ...given, storageOf, pass: fuseSteps });
        for (const [name, values] of alone.values)
          expectNear(together.values.get(name) ?? [], values, { what: name, tolerance: 0.05 });
      }),
      { numRuns: 1, endOnFailure: true },
    );
  });
});
