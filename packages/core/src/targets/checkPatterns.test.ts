import { expect, it } from 'vitest';
import { checkPatterns } from './checkPatterns.ts';

const targets = ['h.0.query', 'h.1.query', 'h.0.value'].map((path) => ({ path, kind: 'dense', shape: [2, 2] }));

it('accepts keys that each match and never disagree', () => {
  expect(() => checkPatterns({ '0.query': 4, '1.query': 8, value: 2 }, targets, 'rankPattern')).not.toThrow();
  expect(() => checkPatterns({}, [], 'rankPattern')).not.toThrow();
});

it('refuses a key that matches nothing', () => {
  expect(() => checkPatterns({ valeu: 4 }, targets, 'alphaPattern')).toThrow(
    'alphaPattern: key "valeu" matches none of the 3 selected targets (nearest: "h.0.value"); correct or remove it.',
  );
  expect(() => checkPatterns({ valeu: 4 }, [])).toThrow(
    'pattern: key "valeu" matches none of the 0 selected targets; correct or remove it.',
  );
});

it('refuses keys that disagree, and lists everything at once', () => {
  const remedy =
    'files keep keys sorted, so which comes first would change on reload; anchor a key with "^" or give it a longer path so that one matches.';
  const message = [
    'rankPattern: 3 problems:',
    `- target "h.0.query" is matched by keys with different values, "h.\\d.query" (8), "query" (4); ${remedy}`,
    `- target "h.1.query" is matched by keys with different values, "h.\\d.query" (8), "query" (4); ${remedy}`,
    '- key "key" matches none of the 3 selected targets (nearest: "h.0.query"); correct or remove it.',
  ].join('\n');
  const pattern = { query: 4, 'h.\\d.query': 8, key: 3 };
  expect(() => checkPatterns(pattern, targets, 'rankPattern')).toThrow(message);
  expect(() => checkPatterns(pattern, targets, 'rankPattern')).toThrow(
    expect.objectContaining({ code: 'target/ambiguous-pattern' }),
  );
});
