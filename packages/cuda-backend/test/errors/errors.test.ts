import { eagerEngine } from '@peft/core';
import { endOf, lossesWithOptionalColumn, mishaps, refusals } from '@peft/engines';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { simulatedEngine } from '../engine/simulatedEngine.ts';
import { simulated } from '../simulator/simulated.ts';
import { simulatedControl, simulatedLibraries } from '../simulator/simulatedLibraries.ts';

simulated('what goes wrong on the simulated device', () => {
  const engine = simulatedEngine();

  beforeAll(async () => {
    await tf.setBackend('cpu');
    simulatedControl().configure();
  });

  it.each(['nvrtc', 'cublasLt'] as const)('is a named file that is no library: %s', async (kind) => {
    const wrong = simulatedEngine({ libraries: { ...simulatedLibraries(), [kind]: 'package.json' } });
    await expect(wrong.open()).rejects.toMatchObject({
      code: 'cuda/library',
      message: expect.stringMatching(
        /was not found; .*\n {2}\.\/package\.json \(given as an option\): .*invalid ELF header$/,
      ),
    });
    expect(simulatedControl().liveObjects().streams).toBe(0);
  });

  describe('reads as it does eagerly, and leaves a state to go on from', () => {
    it.each(mishaps)('%s', async (_, mishap, end) => {
      expect(await endOf(mishap, engine)).toEqual({ ...end, leftOver: 0 });
    });
  });

  describe('and cannot be captured is refused, by operation, place and remedy', () => {
    it.each(refusals)('%s', async (_, mishap, said) => {
      expect(await endOf(mishap, engine)).toEqual({ said, step: 0, leftOver: 0 });
    });
  });

  it('is no column that comes and goes', async () => {
    const [eager, compiled] = [await lossesWithOptionalColumn(eagerEngine()), await lossesWithOptionalColumn(engine)];
    expect(compiled).toHaveLength(3);
    for (const [step, loss] of eager.entries()) expect(compiled[step]).toBeCloseTo(loss, 5);
  });
});
