import { adamw, type HostArray, type Loss, sgd } from '@peft/core';
import { expect, test } from 'vitest';
import { expectValues } from './expectValues.ts';
import { familyOf } from './familyOf.ts';
import { golden } from './golden.ts';
import { trainGivenFactors } from './trainGivenFactors.ts';

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
    expectValues(`${familyOf(name)}: outputs and losses`, losses, values(expected.get('losses')).slice(0, 1));
    for (const [key, after] of factors) {
      const before = values(expected.get(`factor/${key}`));
      const moved = Array.from(after, (value, index) => ((before[index] ?? 0) - value) / rate);
      expectValues(`${familyOf(name)}: LoRA gradients`, moved, values(expected.get(`gradient/${key}`)));
    }
  });

  test.each(cases)('%s: AdamW takes the factors where torch takes them, loss by loss', async (name, loss) => {
    const expected = await golden(name);
    const columns = columnsOf(expected);
    const optimizer = adamw({ weightDecay: 0.01 });
    const { losses, factors } = await trainGivenFactors(name, { columns, loss, steps: 4, optimizer, schedule: 0.02 });
    expectValues(`${familyOf(name)}: outputs and losses`, losses, values(expected.get('losses')));
    const subject = `${familyOf(name)}: LoRA parameters after four AdamW steps`;
    for (const [key, after] of factors) expectValues(subject, after, values(expected.get(`trained/${key}`)));
  });
}

function values({ data }: HostArray): Float32Array {
  return data as Float32Array;
}
