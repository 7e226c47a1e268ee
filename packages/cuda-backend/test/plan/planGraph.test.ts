import { evaluate } from '@peft/graph';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import type { Precision } from '../../src/lowering/emitter.ts';
import { spanOf } from '../../src/plan/operand.ts';
import { planGraph } from '../../src/plan/planGraph.ts';
import { simulated } from '../simulator/simulated.ts';
import { simulatedDescription } from '../simulator/simulatedDescription.ts';
import { captureProgram, programInputs, programs } from './randomPrograms.ts';
import { runPlan } from './runPlan.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const tolerances: Readonly<Record<Precision, number>> = { float32: 2e-5, tf32: 5e-3, bf16: 5e-2 };

simulated('a plan on the host gives what the references give', () => {
  it.each(['float32', 'tf32', 'bf16'] as const)('on random graphs, %s', (precision) => {
    fc.assert(
      fc.property(programs, (program) => {
        const graph = captureProgram(program);
        const expected = evaluate(graph, programInputs);
        const plan = planGraph(graph, { device: simulatedDescription, precision, hasProductLibrary: true });
        for (const { kind, operand } of plan.results) {
          const isWhole = operand.region.bytes === spanOf(operand);
          if (kind === 'state') expect(operand.region.kind).not.toBe('state');
          else expect([operand.region.kind, isWhole]).toEqual(['result', true]);
        }
        const results = runPlan(plan, { graph, inputs: programInputs });
        const passed = graph.outputs.filter(({ name, value }) =>
          graph.inputs.some((input) => input.name === name && input.value === value),
        );
        expect([...results.keys(), ...passed.map(({ name }) => name)].toSorted()).toEqual(
          [...expected.keys()].toSorted(),
        );
        for (const [name, values] of results) {
          const wanted = Array.from(expected.get(name)?.data ?? []);
          const norm = Math.hypot(...wanted);
          const gap = Math.hypot(...wanted.map((each, index) => each - (values[index] as number)));
          expect(gap, `${name} of ${graph.nodes.length} nodes`).toBeLessThanOrEqual(
            tolerances[precision] * (0.1 + norm),
          );
        }
      }),
      { numRuns: 20 },
    );
  });
});
