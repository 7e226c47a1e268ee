import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import golden from './__fixtures__/budgets.json' with { type: 'json' };
import { cubicBudget } from './cubicBudget.ts';

function curve([initialBudget = 0, targetBudget = 0, warmupSteps = 0, finalSteps = 0, total = 0]: readonly number[]) {
  const budget = cubicBudget({ initialBudget, targetBudget, warmupSteps, finalSteps });
  return Array.from({ length: total }, (_, index) => budget(index + 1, total));
}

test('cuts off as the allocator of Python PEFT, over 320 drawn configurations', () => {
  expect(golden.drawn.length).toBe(320);
  for (const { config, budgets } of golden.drawn) {
    expect(curve(config), config.join(' ')).toEqual(budgets);
  }
});

test.each(Object.entries(golden.digests))('cuts off as Python PEFT for every drop over %s steps', (steps, digest) => {
  const falling = Number(steps);
  const hash = createHash('sha256');
  for (let drop = 1; drop <= 2000; drop += falling <= 64 ? 1 : 7) {
    hash.update(JSON.stringify(curve([drop + 3, 3, 0, 0, falling])));
  }
  expect(hash.digest('hex')).toBe(digest);
});
