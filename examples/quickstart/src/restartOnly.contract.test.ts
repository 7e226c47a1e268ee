import { strategyLaws } from '@peft/core/testing';
import { lora } from '@peft/lora';
import { describe, expect, it } from 'vitest';
import { restartOnly } from './restartOnly.ts';

describe('restartOnly keeps the contract, as any strategy written outside the project', () => {
  for (const law of strategyLaws(() => restartOnly(lora({ rank: 2 }), 3))) it(law.name, law.check);
});

describe('restartOnly', () => {
  const strategy = restartOnly(lora({ rank: 1 }), 3);
  const life = (step: number) =>
    strategy.lifeOf?.({}, { step, totalSteps: 10 }, { path: 'x', kind: 'dense', shape: [1, 1] });

  it('begins the schedule anew at floor(i * total / links), as a chain does', () => {
    expect([1, 3, 4, 6, 7, 10].map(life)).toEqual([
      { step: 1, totalSteps: 3 },
      { step: 3, totalSteps: 3 },
      { step: 1, totalSteps: 3 },
      { step: 3, totalSteps: 3 },
      { step: 1, totalSteps: 4 },
      { step: 4, totalSteps: 4 },
    ]);
  });

  it('restarts the optimizer at its knots and nowhere else, and merges nothing', async () => {
    const context = { targets: [], seed: 0, totalSteps: 10, weightOf: () => undefined as never };
    const steps = [];
    for (let step = 1; step <= 10; step++) {
      const due = await strategy.advance?.(context, { params: {}, state: {} }, { step, totalSteps: 10 });
      if (due) steps.push([step, ...due.effects.map(({ kind }) => kind)]);
    }
    expect(steps).toEqual([
      [3, 'restart'],
      [6, 'restart'],
    ]);
  });
});
