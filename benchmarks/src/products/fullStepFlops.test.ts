import { expect, test } from 'vitest';
import { fullStepFlops } from './fullStepFlops.ts';

const linear = (path: string, ...shape: number[]) => ({ path, kind: 'dense', shape });

test('a step without short cuts: linears twice, attention six products, heads apart', () => {
  const config = { model_type: 'bert', vocab_size: 50, hidden_size: 4, num_hidden_layers: 2 };
  const targets = [linear('layer.query', 4, 4), linear('pooler.dense', 4, 4), linear('classifier', 4, 2)];
  const sizes = { config, batch: 2, seq: 3 };
  const attention = 6 * 2 * 6 * 3 * 4;
  const linears = 2 * (6 * 16 + 2 * 16);
  const model = { targets, outputHead: ['classifier'] };
  expect(fullStepFlops({ ...sizes, architecture: 'sequence-classification' }, model)).toBe(2 * (linears + attention));
  const language = fullStepFlops({ ...sizes, architecture: 'causal-lm' }, model);
  expect(language).toBe(2 * (linears + attention + 2 * 6 * 4 * 50));
});
