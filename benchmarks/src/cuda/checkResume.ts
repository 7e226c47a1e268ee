import type { Engine, TrainingState } from '@peft/core';
import { requireSameSnapshot } from '@peft/core/testing';
import { type AgreementCase, agreementCases, trained } from '@peft/engines';
import * as tf from '@tensorflow/tfjs';
import type { Finding, Section, SectionCall } from './section.ts';

const resumed: readonly (readonly [name: string, steps: readonly number[]])[] = [
  ['LoRA with dropout and accumulation', [25]],
  ['AdaLoRA through its phases', [39, 40, 45]],
  ['COLA of AdaLoRA, accumulated', [24, 25]],
];

/** Runs of 50 steps: the same twice, and gone on with from a save, to the bit. */
export const checkResume: Section = {
  name: 'resume',
  async *run({ engineOf, log }: SectionCall): AsyncIterable<Finding> {
    await tf.setBackend('cpu');
    for (const [name, saved] of resumed) {
      const one = agreementCases[name] as AgreementCase;
      const engine = engineOf('float32');
      const last = async (on: Engine, resume?: TrainingState) => {
        const { states } = await trained(one, on, resume ? { resume } : {});
        return { states, end: states.at(-1) as TrainingState };
      };
      const whole = await last(engine);
      const runs: readonly (readonly [what: string, resume?: TrainingState])[] = [
        ['a repeat'],
        ...saved.map((step) => [`from step ${step}`, whole.states[step - 1] as TrainingState] as const),
      ];
      for (const [what, resume] of runs) {
        const title = `${name}: ${what}`;
        try {
          const { end } = await last(engineOf('float32'), resume);
          requireSameSnapshot(end.tensors, whole.end.tensors, { what });
          yield { name: title, passed: true, found: { steps: 50, difference: 0 } };
        } catch (error) {
          log(`${title}: ${(error as Error).message}`);
          yield { name: title, passed: false, found: { problem: (error as Error).message } };
        }
      }
    }
  },
};
