import { eagerEngine, type HostInputs, hostArray, type Program, type Snapshot } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { plantedFunctions, plantedState, plantedWeights } from '../../test/planted.ts';
import { onnxEngine } from '../onnxEngine.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const x = hostArray([1, 0, 2, -1, 3, 1], [2, 3]);
type Name = keyof ReturnType<typeof plantedFunctions>;

const valuesOf = async (state: Snapshot): Promise<unknown> =>
  Object.fromEntries(
    await Promise.all(
      Object.entries(state).map(async ([key, entry]) => {
        if (typeof entry === 'number') return [key, entry];
        return [key, entry instanceof tf.Tensor ? [...(await entry.data())] : await valuesOf(entry)];
      }),
    ),
  );

async function pair() {
  const weights = plantedWeights();
  const functions = plantedFunctions(weights);
  const programs: Program<Name>[] = [];
  for (const engine of [eagerEngine(), onnxEngine({ runtime: 'native' })]) {
    const program = await engine.compile(functions, weights);
    await program.bind(plantedState());
    programs.push(program);
  }
  return { weights, eager: programs[0] as Program<Name>, compiled: programs[1] as Program<Name> };
}

const inputsOf: Readonly<Record<Name, HostInputs>> = {
  loss: { x },
  bias: { x, rate: 0.125 },
  gain: { x },
  both: { rate: -0.5 },
  predict: { x },
};

describe('a compiled program', () => {
  it('agrees with the eager engine after any order of functions, rebinding and looking', async () => {
    const names = fc.constantFrom<Name | 'look' | 'rebind'>(
      'loss',
      'bias',
      'gain',
      'both',
      'predict',
      'look',
      'rebind',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(names, { minLength: 4, maxLength: 14 }), async (order) => {
        const before = tf.memory().numTensors;
        const { weights, eager, compiled } = await pair();
        for (const name of order) {
          if (name === 'look')
            expect(await valuesOf(await compiled.state())).toEqual(await valuesOf(await eager.state()));
          else if (name === 'rebind') {
            for (const program of [eager, compiled]) {
              const state = (await program.state()) as { params: Snapshot };
              await program.bind({ ...state, count: 5, params: { ...state.params, gain: tf.scalar(1.5) } });
            }
          } else expect(await compiled.run(name, inputsOf[name])).toEqual(await eager.run(name, inputsOf[name]));
        }
        expect(await valuesOf(await compiled.state())).toEqual(await valuesOf(await eager.state()));
        for (const program of [eager, compiled]) program.dispose();
        await new Promise((resolve) => setTimeout(resolve, 0));
        weights.dispose();
        expect(tf.memory().numTensors).toBe(before);
      }),
      { numRuns: 25 },
    );
  });
});
