import { isPeftError } from '@peft/core';
import { expect, it } from 'vitest';
import { lora } from './lora.ts';
import type { LoraOptions } from './loraOptions.ts';

function messageOf(options: unknown): string {
  try {
    lora(options as LoraOptions);
  } catch (error) {
    if (isPeftError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

it('fills in the defaults of Python PEFT', () => {
  expect(lora().options).toEqual({
    rank: 8,
    alpha: 8,
    rsLora: false,
    dora: false,
    dropout: 0,
    init: true,
    rankPattern: {},
    alphaPattern: {},
  });
});

it.each([
  [{ rank: 0 }, 'rank is 0; it must be a whole number of at least 1.'],
  [{ rank: 2.5 }, 'rank is 2.5; it must be a whole number of at least 1.'],
  [{ rank: -4 }, 'rank is -4; it must be a whole number of at least 1.'],
  [{ rank: '8' }, 'rank is "8"; it must be a whole number of at least 1.'],
  [{ rankPattern: { query: 0 } }, 'rankPattern["query"] is 0; it must be a whole number of at least 1.'],
  [{ rankPattern: 4 }, 'rankPattern is 4; it must be a record of regular expressions and numbers.'],
  [{ alphaPattern: [4] }, 'alphaPattern is an array; it must be a record of regular expressions and numbers.'],
  [{ alpha: Number.NaN }, 'alpha is NaN; it must be a finite number above 0.'],
  [{ alpha: Number.POSITIVE_INFINITY }, 'alpha is Infinity; it must be a finite number above 0.'],
  [{ alpha: 0 }, 'alpha is 0; it must be a finite number above 0.'],
  [{ alpha: { query: 1 } }, 'alpha is an object; it must be a finite number above 0.'],
  [{ alphaPattern: { query: [1] } }, 'alphaPattern["query"] is an array; it must be a finite number above 0.'],
  [{ dropout: 1 }, 'dropout is 1; it must be a number of at least 0 and below 1.'],
  [{ dropout: -0.1 }, 'dropout is -0.1; it must be a number of at least 0 and below 1.'],
  [{ dropout: Number.NaN }, 'dropout is NaN; it must be a number of at least 0 and below 1.'],
  [{ rsLora: 1 }, 'rsLora is 1; it must be true or false.'],
  [{ dora: 'yes' }, 'dora is "yes"; it must be true or false.'],
  [{ init: 'pissa' }, 'init is "pissa"; it must be true, false, "gaussian" or "orthogonal".'],
  [{ init: 'orthogonal', rank: 5 }, 'rank is 5; init "orthogonal" splits it in halves, so it must be even.'],
  [
    { init: 'orthogonal', rankPattern: { query: 3 } },
    'rankPattern["query"] is 3; init "orthogonal" splits it in halves, so it must be even.',
  ],
  [{ r: 4 }, '"r" is no option; the options are rank, alpha, rsLora, dora, dropout, init, rankPattern, alphaPattern.'],
])('%o is refused', (options, message) => {
  expect(messageOf(options)).toBe(`lora/options: lora: ${message}`);
});

it('says everything that is wrong at once', () => {
  expect(messageOf({ rank: 0, alpha: -1, dropout: 2 })).toBe(
    `lora/options: lora:
- rank is 0; it must be a whole number of at least 1.
- alpha is -1; it must be a finite number above 0.
- dropout is 2; it must be a number of at least 0 and below 1.`,
  );
});

it.each<LoraOptions>([
  { rank: 1, alpha: 0.5 },
  { rank: 4096, alpha: 16, rsLora: true },
  { dropout: 0.999, dora: true },
  { init: 'orthogonal', rank: 2, rankPattern: { query: 6 } },
  { init: false, rank: 3, alphaPattern: { query: 2.5 } },
])('%o is accepted', (options) => {
  expect(lora(options).options).toMatchObject(options);
});
