import { createHash } from 'node:crypto';
import { expectParity } from '@peft/parity';
import { expect, test } from 'vitest';
import golden from './__fixtures__/budgets.json' with { type: 'json' };
import { cubicBudget } from './cubicBudget.ts';

const subject = 'AdaLoRA as PEFT: budget curves';

function curve([initialBudget = 0, targetBudget = 0, warmupSteps = 0, finalSteps = 0, total = 0]: readonly number[]) {
  const budget = cubicBudget({ initialBudget, targetBudget, warmupSteps, finalSteps });
  return Array.from({ length: total }, (_, index) => budget(index + 1, total));
}

test('cuts off as the allocator of Python PEFT, over 320 drawn configurations', () => {
  expect(golden.drawn.length).toBe(320);
  for (const { config, budgets } of golden.drawn) {
    expectParity(subject, { actual: curve(config), expected: budgets, tolerance: 0, by: 'equal' });
  }
});

test.each(Object.entries(golden.digests))('cuts off as Python PEFT for every drop over %s steps', (steps, digest) => {
  const falling = Number(steps);
  const hash = createHash('sha256');
  for (let drop = 1; drop <= 2000; drop += falling <= 64 ? 1 : 7) {
    hash.update(JSON.stringify(curve([drop + 3, 3, 0, 0, falling])));
  }
  const [actual, expected] = [hash.digest(), Buffer.from(digest, 'hex')];
  expectParity(subject, { actual, expected, tolerance: 0, by: 'equal' });
});
