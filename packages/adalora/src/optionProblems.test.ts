import { expect, test } from 'vitest';
import { type AdaLoraOptions, adalora, globalTop } from './index.ts';

function said(options: AdaLoraOptions): string {
  try {
    adalora(options);
  } catch (error) {
    expect((error as { code: string }).code).toBe('adalora/options');
    return (error as Error).message;
  }
  return 'nothing';
}

test.each<[AdaLoraOptions, string]>([
  [{ initRank: 0, targetRank: 0 }, 'adalora: initRank is 0; it must be a whole number at least 1.'],
  [{ initRank: 12.5 }, 'adalora: initRank is 12.5; it must be a whole number at least 1.'],
  [{ targetRank: -1 }, 'adalora: targetRank is -1; it must be a whole number at least 0.'],
  [{ targetRank: 1.5 }, 'adalora: targetRank is 1.5; it must be a whole number at least 0.'],
  [{ targetBudget: Number.NaN }, 'adalora: targetBudget is NaN; it must be a whole number at least 0.'],
  [
    { initRank: 8, targetRank: 12 },
    'adalora: targetRank 12 is larger than initRank 8; lower targetRank or raise initRank.',
  ],
  [{ initRank: 4 }, 'adalora: targetRank 8 is larger than initRank 4; lower targetRank or raise initRank.'],
  [{ targetRank: 2, targetBudget: 9 }, 'adalora: targetRank 2 and targetBudget 9 are both given; pass one of the two.'],
  [{ alpha: 0 }, 'adalora: alpha is 0; it must be a number above 0.'],
  [{ alpha: Number.POSITIVE_INFINITY }, 'adalora: alpha is Infinity; it must be a number above 0.'],
  [{ dropout: 1 }, 'adalora: dropout is 1; it must be a number at least 0 and below 1.'],
  [{ warmupSteps: -5 }, 'adalora: warmupSteps is -5; it must be a whole number at least 0.'],
  [
    { warmupSteps: { fraction: 1 } },
    'adalora: the fraction of warmupSteps is 1; it must be a number at least 0 and below 1.',
  ],
  [{ finalSteps: 0.5 }, 'adalora: finalSteps is 0.5; it must be a whole number at least 0.'],
  [{ allocateEvery: 0 }, 'adalora: allocateEvery is 0; it must be a whole number at least 1.'],
  [{ beta1: 1 }, 'adalora: beta1 is 1; it must be a number above 0 and below 1.'],
  [{ beta2: 0 }, 'adalora: beta2 is 0; it must be a number above 0 and below 1.'],
  [{ orthogonality: -0.1 }, 'adalora: orthogonality is -0.1; it must be a number at least 0.'],
  [{ scoring: 'during' as never }, 'adalora: scoring is "during"; it must be "after" or "before".'],
  [{ compat: 'tf' as never }, 'adalora: compat is "tf"; it must be "peft" or left out.'],
  [
    { compat: 'peft', compact: true },
    'adalora: compat "peft" does as Python PEFT does, which never drops triplets while training; leave out compact or compat.',
  ],
  [
    { compat: 'peft', allocator: globalTop },
    'adalora: compat "peft" does as Python PEFT does, which has one way to allocate; leave out allocator "globalTop" or compat.',
  ],
  [
    { compat: 'peft', scoring: 'before' },
    'adalora: compat "peft" does as Python PEFT does, which scores after the optimizer\'s step; leave out scoring or compat.',
  ],
  [
    { compat: 'peft', targetBudget: 8 },
    'adalora: compat "peft" does as Python PEFT does, which knows no total budget; pass targetRank in place of targetBudget, or leave out compat.',
  ],
  [
    { init_r: 12 } as never,
    'adalora: "init_r" is no option; the options are initRank, targetRank, targetBudget, alpha, dropout, warmupSteps, finalSteps, allocateEvery, beta1, beta2, orthogonality, scoring, compact, allocator, compat.',
  ],
])('%o is refused', (options, message) => {
  expect(said(options)).toBe(message);
});

test('everything that is wrong is said at once', () => {
  expect(said({ alpha: -1, allocateEvery: 0, beta1: 2 })).toBe(
    [
      'adalora:',
      '- alpha is -1; it must be a number above 0.',
      '- allocateEvery is 0; it must be a whole number at least 1.',
      '- beta1 is 2; it must be a number above 0 and below 1.',
    ].join('\n'),
  );
});

test.each<AdaLoraOptions>([
  {},
  { initRank: 8, targetRank: 8 },
  { initRank: 1, targetRank: 0 },
  { initRank: 4, targetBudget: 0 },
  { warmupSteps: 0, finalSteps: { fraction: 0.25 }, orthogonality: 0 },
  { compat: 'peft', compact: false, scoring: 'after' },
])('%o is accepted', (options) => {
  expect(said(options)).toBe('nothing');
});
