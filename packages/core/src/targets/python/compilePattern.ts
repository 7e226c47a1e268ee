import { PeftError } from '@peft/ops';
import type { PatternFrame } from './patternScanner.ts';
import { translatePattern } from './translatePattern.ts';

/** How Python calls the expression, and what it puts around it first. */
export type PatternCall = Partial<PatternFrame> & { readonly call: 'fullmatch' | 'match' | 'search' };

/**
 * A JavaScript expression whose `exec` answers as Python's `re.fullmatch`, `re.match` or `re.search` would.
 * @throws PeftError `target/pattern` where Python refuses the expression or JavaScript cannot express it.
 */
export function compilePattern(pattern: string, { before = '', after = '', call }: PatternCall): RegExp {
  const source = translatePattern(pattern, { before, after });
  const whole = { fullmatch: `^(?:${source})$`, match: `^(?:${source})`, search: source }[call];
  try {
    const compiled = new RegExp(whole, 'u');
    // V8 compiles at the first use, and only then finds an expression too large.
    compiled.test('');
    return compiled;
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    const remedy = 'name the modules in a list instead';
    throw new PeftError(
      'target/pattern',
      `regular expression "${pattern}": JavaScript cannot run it (${said}); ${remedy}.`,
      { cause },
    );
  }
}
