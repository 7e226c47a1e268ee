import { adamw, type HostArray, type Loss, sgd } from '@peft/core';
import { expect, test } from 'vitest';
import { golden } from './golden.ts';
import { relativeError } from './relativeError.ts';
import { trainGivenFactors } from './trainGivenFactors.ts';

/** Python computed in float64; what remains is float32's rounding here. */
const tolerance = 1e-5;
/** AdamW divides by the root of squared gradients, which makes much of the rounding of the smallest. */
const trainedTolerance = 1e-4;

type Golden = Awaited<ReturnType<typeof golden>>;
type Case = readonly [name: string, loss: Loss, targets: number];

/** Tests that fixtures' models train from Python's factors as PEFT trains them, by gradient and by AdamW. */
export function trainsAsPython(
  cases: readonly Case[],
  columnsOf: (expected: Golden) => Readonly<Record<string, HostArray>>,
): void {
  test.each(cases)('%s: a step of LoRA moves every factor by the gradient of PEFT', async (name, loss, targetCount) => {
    const expected = await golden(name);
    // Far enough that the factors' own rounding is small beside the step.
    const rate = 64;
    const columns = columnsOf(expected);
    const options = { columns, loss, steps: 1, optimizer: sgd(), schedule: rate };
    const { losses, factors, targets } = await trainGivenFactors(name, options);
    expect(targets).toHaveLength(targetCount);
    expect(relativeError(losses, values(expected.get('losses')).slice(0, 1))).toBeLessThan(tolerance);
    const errors = [...factors].map(([key, after]) => {
      const before = values(expected.get(`factor/${key}`));
      const moved = Array.from(after, (value, index) => ((before[index] ?? 0) - value) / rate);
      return [key, relativeError(moved, values(expected.get(`gradient/${key}`)))] as const;
    });
    expect(errors.filter(([, error]) => !(error < tolerance))).toEqual([]);
  });

  test.each(cases)('%s: AdamW takes the factors where torch takes them, loss by loss', async (name, loss) => {
    const expected = await golden(name);
    const columns = columnsOf(expected);
    const optimizer = adamw({ weightDecay: 0.01 });
    const { losses, factors } = await trainGivenFactors(name, { columns, loss, steps: 4, optimizer, schedule: 0.02 });
    expect(relativeError(losses, values(expected.get('losses')))).toBeLessThan(tolerance);
    const errors = [...factors].map(
      ([key, after]) => [key, relativeError(after, values(expected.get(`trained/${key}`)))] as const,
    );
    expect(errors.filter(([, error]) => !(error < trainedTolerance))).toEqual([]);
  });
}

function values({ data }: HostArray): Float32Array {
  return data as Float32Array;
}
