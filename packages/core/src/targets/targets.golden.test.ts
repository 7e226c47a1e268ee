import { readFileSync } from 'node:fs';
import { isPeftError } from '@peft/ops';
import { expectParity } from '@peft/parity';
import { describe, expect, it } from 'vitest';
import { explainTargets } from './explainTargets.ts';
import { patternResolver } from './patternResolver.ts';
import { type CompiledPattern, compilePattern } from './python/compilePattern.ts';
import { selectTargets } from './selectTargets.ts';
import type { TargetOptions } from './targetSelection.ts';

type Golden = {
  readonly models: Readonly<Record<string, readonly string[]>>;
  readonly selections: readonly {
    readonly model: string;
    readonly options: TargetOptions;
    readonly matched?: readonly number[];
    readonly excluded?: readonly number[];
    readonly error?: string;
  }[];
  readonly patterns: readonly {
    readonly model: string;
    readonly pattern: Readonly<Record<string, number>>;
    readonly values: Readonly<Record<string, number>>;
  }[];
  readonly texts: readonly string[];
  readonly expressions: readonly {
    readonly pattern: string;
    readonly fullmatch?: readonly number[];
    readonly match?: readonly number[];
    readonly error?: true;
  }[];
};

const golden: Golden = JSON.parse(readFileSync(new URL('./__fixtures__/targets.json', import.meta.url), 'utf8'));

function modelOf(name: string) {
  return (golden.models[name] ?? []).map((path) => ({ path, kind: 'dense', shape: [2, 2] }));
}

/** 1 for what is so, 0 for what is not. */
function flags<T>(all: readonly T[], is: (each: T, index: number) => boolean): readonly number[] {
  return all.map((each, index) => (is(each, index) ? 1 : 0));
}

function expectSame(subject: string, actual: readonly number[], expected: readonly number[]): void {
  expectParity(subject, { actual, expected, tolerance: 0, by: 'equal' });
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (isPeftError(error) && 'code' in error) return String(error.code);
    throw error;
  }
}

// What Python accepts and the translation refuses, by the reason it gives.
const untranslated = [
  /conditional group/,
  /"\\N\{\.\.\.\}" needs/,
  /may be unset or an empty repeat here/,
  /under the flag i cannot/,
  /ignoring case is translated for ASCII only/,
  /inside a look-behind cannot/,
  /repeats something that may be empty/,
];

describe('Python PEFT decides the same', () => {
  it('has several hundred cases of both kinds', () => {
    expect(golden.selections.length).toBeGreaterThan(350);
    expect(golden.selections.filter(({ matched = [] }) => matched.length > 0).length).toBeGreaterThan(200);
  });

  it.each(golden.selections)('$model $options', ({ model, options, matched = [], excluded = [], error }) => {
    const targets = modelOf(model);
    if (error !== undefined) {
      expect(codeOf(() => explainTargets(targets, options))).toBe('target/options');
      return;
    }
    const explained = explainTargets(targets, options);
    const isLeft = (reason: string) => /^(excluded by|kept whole by)/.test(reason);
    const chosen = (is: (each: (typeof explained)[number]) => boolean) =>
      flags(targets, ({ path }) => explained.some((each) => each.path === path && is(each)));
    const known = (indices: readonly number[]) => flags(targets, (_, index) => indices.includes(index));
    expectSame(
      'target matching: matched modules',
      chosen(({ matched: is }) => is),
      known(matched),
    );
    expectSame(
      'target matching: excluded modules',
      chosen(({ reason }) => isLeft(reason)),
      known(excluded),
    );
    if (matched.length === 0) {
      expect(codeOf(() => selectTargets(targets, options))).toMatch(/^target\/(none-matched|unknown-layer)$/);
    }
  });

  it.each(golden.patterns)('$model $pattern', ({ model, pattern, values }) => {
    const numberAt = patternResolver(pattern);
    const found = modelOf(model).map(({ path }) => numberAt(path) ?? -1);
    const expected = found.map((_, index) => values[String(index)] ?? -1);
    expectSame('target matching: values of patterns', found, expected);
  });
});

describe('Python regular expressions mean the same', () => {
  it.each(golden.expressions)('$pattern', ({ pattern, fullmatch, match, error }) => {
    let full: CompiledPattern;
    try {
      full = compilePattern(pattern, { call: 'fullmatch' });
    } catch (problem) {
      if (!isPeftError(problem)) throw problem;
      if (error !== true) expect(untranslated.some((reason) => reason.test(problem.message))).toBe(true);
      return;
    }
    expect(error).toBeUndefined();
    const hits = (expression: CompiledPattern) => flags(golden.texts, (text) => expression.test(text));
    const known = (indices: readonly number[] = []) => flags(golden.texts, (_, index) => indices.includes(index));
    const subject = 'regular expressions of Python: matched texts';
    expectSame(subject, hits(full), known(fullmatch));
    expectSame(subject, hits(compilePattern(pattern, { call: 'match' })), known(match));
  });
});
