import { type Engine, eagerEngine, type TrainingState } from '@peft/core';
import { requireSameSnapshot } from '@peft/core/testing';
import { type AgreementCase, agreementCases, trained } from '@peft/engines';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { simulatedEngine } from '../engine/simulatedEngine.ts';
import { simulated } from '../simulator/simulated.ts';
import { simulatedControl } from '../simulator/simulatedLibraries.ts';

const stateAfter = (states: readonly TrainingState[], step: number) => states[step - 1] as TrainingState;

simulated('a save of the simulated device', () => {
  const engine = simulatedEngine();

  beforeAll(async () => {
    await tf.setBackend('cpu');
    simulatedControl().configure();
  });

  // On the eve of a knot, with dead triplets gone, and after it.
  it('goes on to the bit, from eager and to eager', async () => {
    const one = agreementCases['COLA of AdaLoRA, accumulated'] as AgreementCase;
    const resumed = async (on: Engine, resume: TrainingState) => {
      const { states } = await trained(one, on, { resume });
      return stateAfter(states, 50 - resume.step);
    };
    const { states: eager } = await trained(one, eagerEngine());
    const { states: compiled } = await trained(one, engine);
    for (const step of [24, 25]) {
      const same = await resumed(engine, stateAfter(compiled, step));
      requireSameSnapshot(same.tensors, stateAfter(compiled, 50).tensors, { what: `from step ${step}` });
      expect(same.finished.length).toBe(stateAfter(compiled, 50).finished.length);
    }
    const tolerance = 1e-4;
    const expected = stateAfter(eager, 50).tensors;
    const fromEager = await resumed(engine, stateAfter(eager, 24));
    requireSameSnapshot(fromEager.tensors, expected, { what: 'from eager', tolerance });
    const toEager = await resumed(eagerEngine(), stateAfter(compiled, 25));
    requireSameSnapshot(toEager.tensors, expected, { what: 'to eager', tolerance });
  });
});
