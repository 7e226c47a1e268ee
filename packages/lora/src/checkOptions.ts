import { PeftError } from '@peft/core';
import { type LoraOptions, withDefaults } from './loraOptions.ts';

const inits: readonly unknown[] = [true, false, 'gaussian', 'orthogonal'];

/**
 * The options with their defaults.
 * @throws PeftError `lora/options` with every problem there is.
 */
export function checkOptions(options: LoraOptions): Required<LoraOptions> {
  const all = withDefaults(options);
  const { rank, alpha, rsLora, dora, dropout, init, rankPattern, alphaPattern } = all;
  const ranks: readonly (readonly [string, unknown])[] = [['rank', rank], ...named('rankPattern', rankPattern)];
  const alphas: readonly (readonly [string, unknown])[] = [['alpha', alpha], ...named('alphaPattern', alphaPattern)];
  const problems = [
    ...Object.keys(options)
      .filter((name) => !(name in all))
      .map((name) => `"${name}" is no option; the options are ${Object.keys(all).join(', ')}`),
    ...ranks
      .filter(([, value]) => !isRank(value))
      .map(([name, value]) => `${name} is ${said(value)}; it must be a whole number of at least 1`),
    ...alphas
      .filter(([, value]) => !(typeof value === 'number' && Number.isFinite(value) && value > 0))
      .map(([name, value]) => `${name} is ${said(value)}; it must be a finite number above 0`),
    ...Object.entries({ rsLora, dora })
      .filter(([, value]) => typeof value !== 'boolean')
      .map(([name, value]) => `${name} is ${said(value)}; it must be true or false`),
    ...(typeof dropout === 'number' && dropout >= 0 && dropout < 1
      ? []
      : [`dropout is ${said(dropout)}; it must be a number of at least 0 and below 1`]),
    ...Object.entries({ rankPattern, alphaPattern })
      .filter(([, value]) => typeof value !== 'object' || Array.isArray(value))
      .map(([name, value]) => `${name} is ${said(value)}; it must be a record of regular expressions and numbers`),
    ...(inits.includes(init) ? [] : [`init is ${said(init)}; it must be true, false, "gaussian" or "orthogonal"`]),
    ...ranks
      .filter(([, value]) => init === 'orthogonal' && isRank(value) && value % 2 !== 0)
      .map(([name, value]) => `${name} is ${value}; init "orthogonal" splits it in halves, so it must be even`),
  ];
  if (problems.length === 0) return all;
  const list = problems.length === 1 ? ` ${problems[0]}.` : problems.map((problem) => `\n- ${problem}.`).join('');
  throw new PeftError('lora/options', `lora:${list}`);
}

function named(option: string, pattern: Readonly<Record<string, unknown>>): readonly (readonly [string, unknown])[] {
  return Object.entries(pattern).map(([key, value]) => [`${option}["${key}"]`, value]);
}

function isRank(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function said(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value) ? 'an array' : 'an object';
}
