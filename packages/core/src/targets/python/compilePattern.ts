import { PeftError } from '@peft/ops';
import { parsePattern } from './parsePattern.ts';
import { patternProgram } from './patternProgram.ts';
import { PatternRun } from './patternRun.ts';
import { type PatternFrame, sayPattern } from './patternScanner.ts';
import { type StepBudget, stepBudget, stepsForText } from './stepBudget.ts';

/** How Python calls the expression, and what it puts around it first. */
export type PatternCall = Partial<PatternFrame> & {
  readonly call: 'fullmatch' | 'match' | 'search';
  /** Shared with other expressions that are tried on the same text; one for each text when left out. */
  readonly budget?: StepBudget;
};

/** An expression that answers as Python's; its functions throw `target/pattern` for a text that takes too many steps. */
export type CompiledPattern = {
  test(text: string): boolean;
  /** The part of the text that matches. */
  find(text: string): string | undefined;
  /** What Python's named groups matched, where the text does; groups that took no part are left out. */
  groupsIn(text: string): ReadonlyMap<string, string> | undefined;
};

/**
 * An expression that answers as Python's `re.fullmatch`, `re.match` or `re.search` would, in steps that grow with the product of its
 * length and the text's: a hostile one is refused, never waited for.
 * @throws PeftError `target/pattern` where Python refuses the expression or it cannot be followed here.
 */
export function compilePattern(pattern: string, options: PatternCall): CompiledPattern {
  const { before = '', after = '', call, budget } = options;
  const parsed = parsePattern(pattern, { before, after });
  const longest = 10_000 + 4 * pattern.length;
  const program = patternProgram(parsed, longest);
  if (program === undefined) {
    throw new PeftError(
      'target/pattern',
      `${sayPattern(pattern)}: its counted repeats spell out more than ${longest} parts; lower the counts.`,
    );
  }
  const runOn = (codes: readonly number[], text: string) => {
    const run = new PatternRun(program, codes, { budget: budget ?? stepBudget(), isWhole: call === 'fullmatch' });
    const lastStart = call === 'search' ? codes.length : 0;
    for (let start = 0; start <= lastStart; start += 1) {
      const end = run.from(start);
      if (end === undefined) throw tooSlow(pattern, text);
      if (end >= 0) return { run, start, end };
    }
    return undefined;
  };
  return {
    test: (text) => runOn(codesOf(text), text) !== undefined,
    find(text) {
      const codes = codesOf(text);
      const match = runOn(codes, text);
      return match && textOf(codes.slice(match.start, match.end));
    },
    groupsIn(text) {
      const codes = codesOf(text);
      const match = runOn(codes, text);
      if (match === undefined) return undefined;
      const places = [...parsed.names].map(([name, number]) => [name, match.run.group(number - 1)] as const);
      return new Map(
        places.flatMap(([name, place]) => (place ? [[name, textOf(codes.slice(place.begin, place.end))]] : [])),
      );
    },
  };
}

function codesOf(text: string): readonly number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0);
}

function textOf(codes: readonly number[]): string {
  return codes.map((code) => String.fromCodePoint(code)).join('');
}

function tooSlow(pattern: string, text: string): PeftError {
  return new PeftError(
    'target/pattern',
    `${sayPattern(pattern)}: finding whether it matches ${JSON.stringify(text.slice(0, 200))} takes more than ${stepsForText} steps; write it with fewer repeats and references, or name the modules in a list instead.`,
  );
}
