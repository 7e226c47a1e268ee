import { type Engine, eagerEngine, fineTune, type Run, type TrainingState } from '@peft/core';
import { requireSameSnapshot } from '@peft/core/testing';
import { type AgreementCase, agreementCases, trained } from '@peft/engines';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { onnxEngine } from '../../src/index.ts';

const engine = onnxEngine();

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const caseOf = (name: string) => agreementCases[name] as AgreementCase;
const stateAfter = (states: readonly TrainingState[], step: number) => states[step - 1] as TrainingState;

describe('a save goes on', () => {
  // In the middle; on the eve of the last pruning, its day, and after; on the eve of a knot, and its day.
  it.each<[string, readonly number[]]>([
    ['LoRA with dropout and accumulation', [25]],
    ['AdaLoRA through its phases', [39, 40, 45]],
    ['COLA of AdaLoRA, accumulated', [24, 25]],
  ])('%s: compiled from eager, eager from compiled, and compiled to the bit', async (name, saved) => {
    const one = caseOf(name);
    const resumed = async (on: Engine, resume: TrainingState) => {
      const { states } = await trained(one, on, { resume });
      return stateAfter(states, 50 - resume.step);
    };
    const { states: eager } = await trained(one, eagerEngine());
    const { states: compiled } = await trained(one, engine);
    for (const step of saved) {
      const [fromEager, fromCompiled, same] = [
        await resumed(engine, stateAfter(eager, step)),
        await resumed(eagerEngine(), stateAfter(compiled, step)),
        await resumed(engine, stateAfter(compiled, step)),
      ];
      const tolerance = 1e-5;
      requireSameSnapshot(fromEager.tensors, stateAfter(eager, 50).tensors, { what: 'from eager', tolerance });
      requireSameSnapshot(fromCompiled.tensors, stateAfter(eager, 50).tensors, { what: 'from compiled', tolerance });
      requireSameSnapshot(same.tensors, stateAfter(compiled, 50).tensors, { what: `compiled from step ${step}` });
      expect(same.finished.length).toBe(stateAfter(compiled, 50).finished.length);
    }
  });
});

it('a pause, a state read in it and a state asked for on the way change no bit', async () => {
  const one = caseOf('COLA of AdaLoRA, accumulated');
  const { states } = await trained(one, engine);
  const paused: TrainingState[] = [];
  const running: Promise<TrainingState>[] = [];
  let run: Run | undefined;
  const { states: disturbed } = await trained(one, engine, {
    start: (model, options) => {
      run = fineTune(model, options);
      return run;
    },
    onEvent(event) {
      if (event.type === 'step' && event.step === 10) void run?.pause();
      if (event.type === 'pause')
        void run?.state().then((state) => {
          paused.push(state);
          run?.resume();
        });
      if (event.type === 'step' && event.step === 30) running.push((run as Run).state());
    },
  });
  expect([paused[0]?.step, (await running[0])?.step]).toEqual([10, 30]);
  requireSameSnapshot(paused[0]?.tensors ?? {}, stateAfter(states, 10).tensors, { what: 'in the pause' });
  requireSameSnapshot((await running[0])?.tensors ?? {}, stateAfter(states, 30).tensors, { what: 'on the way' });
  requireSameSnapshot(stateAfter(disturbed, 50).tensors, stateAfter(states, 50).tensors, { what: 'at the end' });
});
