import { isPeftError } from '@peft/ops';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePattern } from './compilePattern.ts';

function refusal(pattern: string): string {
  try {
    compilePattern(pattern, { call: 'fullmatch' });
  } catch (error) {
    if (isPeftError(error)) return error.message.replace(`regular expression "${pattern}"`, 'it');
    throw error;
  }
  return 'accepted';
}

describe('Python expressions are translated', () => {
  it.each([
    ['names and references', '(?P<side>up|down)_(?P=side)', { taken: ['down_down'], refused: ['up_down'] }],
    ['\\A and \\Z', '\\Aq\\Z', { taken: ['q'], refused: ['q\n'] }],
    ['$ before a last newline', '(?s:q$.?)', { taken: ['q', 'q\n'], refused: ['qq'] }],
    ['a dot that only a newline stops', 'a.b', { taken: ['a\rb', 'a\u2028b'], refused: ['a\nb'] }],
    ['the flag i for ASCII as Python folds it', '(?i)ki', { taken: ['KI', 'k\u0131', '\u212ai'], refused: ['kl'] }],
    ['the flag x', '(?x) q # the query\n | v', { taken: ['q', 'v'], refused: [' q ', 'q|v'] }],
    ['scoped flags', 'a(?i:b)c', { taken: ['abc', 'aBc'], refused: ['ABC'] }],
    ['digits of every script', '\\d', { taken: ['7', '\u0663'], refused: ['\u00b2'] }],
    ['word characters of every script', '\\w+', { taken: ['\u00e9_9', '\u00b2'], refused: ['-'] }],
    ['the flag a', '(?a)\\w', { taken: ['e'], refused: ['\u00e9'] }],
    ['possessive repeats', 'a*+b', { taken: ['aab'], refused: ['aaa'] }],
    ['possessive repeats that give nothing back', 'a*+a', { taken: [], refused: ['a', 'aa'] }],
    ['atomic groups', '(?>a|ab)c', { taken: ['ac'], refused: ['abc'] }],
    ['{,n}', 'x{,2}', { taken: ['', 'xx'], refused: ['xxx', 'x{,2}'] }],
    ['negated categories in a negated set', '[^\\W_]+', { taken: ['a1'], refused: ['_', '.'] }],
  ])('%s', (_, pattern, { taken, refused }) => {
    const expression = compilePattern(pattern, { call: 'fullmatch' });
    expect(taken.filter((text) => !expression.test(text))).toEqual([]);
    expect(refused.filter((text) => expression.test(text))).toEqual([]);
  });

  it('takes any text literally once it is escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        const escaped = text.replace(/[^\p{L}\p{N}_]/gu, '\\$&');
        const expression = compilePattern(escaped, { call: 'fullmatch' });
        expect(expression.test(text)).toBe(true);
        expect(expression.test(`${text}.`)).toBe(false);
      }),
      { numRuns: 40 },
    );
  });
});

describe('expressions that Python refuses, or JavaScript cannot express, are refused', () => {
  it.each([
    ['a(', 'it at position 1: this group is never closed; close it with ")" or write "\\(".'],
    ['a)', 'it at position 1: this ")" closes nothing; remove it or write "\\)".'],
    ['q\\', 'it at position 1: a lone backslash ends it; write "\\\\" for a backslash.'],
    ['*q', 'it at position 0: there is nothing to repeat here; write a backslash before the character to mean itself.'],
    ['x**', 'it at position 2: two repeats follow each other; put the first one in brackets.'],
    ['a{3,1}', 'it at position 1: the least count 3 is above the greatest 1; swap them.'],
    ['a{9999999999}', 'it at position 1: this count is above what Python can repeat; lower it.'],
    ['[a', 'it at position 0: this set is never closed; close it with "]" or write "\\[".'],
    ['[z-a]', 'it at position 1: this range of characters has no order; put the lower one first or write "\\-".'],
    ['\\q', 'it at position 0: "\\q" means nothing in Python; leave out the backslash or write "\\\\".'],
    ['\\x6', 'it at position 0: "\\x" needs 2 hexadecimal digits.'],
    ['\\U00110000', 'it at position 0: "\\U00110000" is beyond Unicode\'s last character.'],
    ['\\400', 'it at position 0: octal "\\400" is above "\\377"; write "\\uXXXX".'],
    [
      '\\N{DOT}',
      'it at position 0: "\\N{...}" needs Python\'s table of character names; write the character or "\\uXXXX".',
    ],
    ['(?<n>a)', 'it at position 0: Python writes a named group as "(?P<name>...)".'],
    ['(?P<1>a)', 'it at position 0: a group name is missing or is not a Python identifier.'],
    ['(?P<n>a)(?P<n>b)', 'it at position 8: the group name "n" is used twice; rename one.'],
    ['(?P>n)', 'it at position 0: Python knows no group "(?P>".'],
    ['(?@a)', 'it at position 0: Python knows no group "(?@".'],
    ['(?#note', 'it at position 0: this comment is never closed; close it with ")".'],
    ['(?P=n)', 'it at position 0: there is no group "n" before this reference.'],
    ['(a)\\2', 'it at position 3: there is no group 2 before this reference.'],
    ['(a\\1)', 'it at position 2: group 1 is still open here; refer to it after its bracket.'],
    [
      '(a)?\\1',
      'it at position 4: group 1 may be unset or an empty repeat here, which Python and JavaScript treat differently; refer only to a group that always matches.',
    ],
    ['(a)(?<=\\1)', 'it at position 7: a reference to group 1 inside a look-behind cannot be translated.'],
    [
      '(?i)(a)\\1',
      'it at position 7: a reference to group 1 under the flag i cannot be translated; spell out the cases.',
    ],
    ['(a)(?(1)b|c)', 'it at position 3: a conditional group cannot be translated; write both cases with "|".'],
    ['(?<=a*)b', 'it at position 0: a look-behind must have one fixed width in Python; split it by width.'],
    ['(?<=(?>a))b', 'it at position 4: atomic parts inside a look-behind cannot be translated; write it without.'],
    [
      '(?>(?:b?)*)',
      'it at position 0: this atomic part repeats something that may be empty, which Python and JavaScript treat differently; write it without "+" or "?>".',
    ],
    [
      'a(?i)b',
      'it at position 1: flags for the whole expression must stand at its very start; use "(?flags:...)" here.',
    ],
    [
      '(?i',
      'it at position 0: these flags are not well formed; write "(?flags:...)" with letters of a, i, m, s, u, x.',
    ],
    ['(?L)a', 'it at position 0: the flag L is for bytes only and module paths are text; leave it out.'],
    ['(?au)a', 'it at position 0: the flags a and u exclude each other; keep one of them.'],
    ['(?-a:b)', 'it at position 0: the flags a and u cannot be switched off; leave them out after the "-".'],
    ['(?i-i:a)', 'it at position 0: the flag i is switched both on and off; keep one.'],
    [
      '(?i)é',
      'it at position 4: ignoring case is translated for ASCII only, not for "é"; spell out both cases without the flag i.',
    ],
    [`${'('.repeat(201)}a`, 'it at position 200: groups are nested more than 200 deep; flatten them.'],
  ])('%s', (pattern, message) => {
    expect(refusal(pattern)).toBe(message);
  });

  it('refuses counted repeats that spell out too much', () => {
    expect(refusal('((a{100}){100}){100}')).toBe(
      'it: its counted repeats spell out more than 10080 parts; lower the counts.',
    );
    expect(refusal('(?:){4294967294}')).toBe('accepted');
    expect(refusal('(a)'.repeat(33_000))).toBe('accepted');
  });

  it('refuses references without end', () => {
    expect(refusal(`(a)${'\\1'.repeat(51)}`)).toBe(
      'it at position 103: more than 50 references cannot be followed; spell out what they repeat.',
    );
  });

  it("counts positions from the user's own text inside a frame, and names none beyond it", () => {
    const framed = (pattern: string) => () =>
      compilePattern(pattern, { before: '(.*\\.)?(', after: ')$', call: 'match' });
    expect(framed('q**')).toThrow('regular expression "q**" at position 2: two repeats');
    expect(framed(`q${'a'.repeat(400)}(`)).toThrow(
      `regular expression "q${'a'.repeat(299)}" (first 300 of 402 characters): this group is never closed`,
    );
    expect(framed('q(')).toThrow('regular expression "q(": this group is never closed');
  });
});

describe('no expression is waited for', () => {
  const path = `${'a'.repeat(200)}!`;
  it.each([
    '(a+)+',
    '(a|a)*',
    '(a*)*',
    '(?:a?){100}a{100}',
    '(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)b',
    '(?:(?=(a*)*b)a)*',
    '(?>(a+)+)b',
    '(?:a|aa)+$',
    '(([a-z])+.)+[A-Z]([a-z])+$',
  ])('%s', (pattern) => {
    const expression = compilePattern(pattern, { call: 'fullmatch' });
    expect(expression.test(path)).toBe(false);
  });

  it('what a reference makes slow is refused after so many steps', () => {
    const expression = compilePattern('(a*)(a*)(a*)(a*)\\1\\2\\3\\4b', { call: 'fullmatch' });
    expect(() => expression.test('a'.repeat(60))).toThrow(
      `regular expression "(a*)(a*)(a*)(a*)\\1\\2\\3\\4b": finding whether it matches "${'a'.repeat(60)}" takes more than 100000 steps; write it with fewer repeats and references, or name the modules in a list instead.`,
    );
  });

  it('the same as the built-in engine where that comes to an end', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      '.',
      '[ab]',
      '(?:a|ab)',
      '(?=a)',
      '(?!b)',
      '(?<=a)',
      '(?>a|ab)',
      '\\b',
      '$',
    );
    const times = fc.constantFrom('', '', '?', '*', '+', '{2}', '{1,2}', '*?', '??');
    const expressions = fc
      .array(fc.tuple(piece, times), { minLength: 1, maxLength: 6 })
      .map((pairs) => pairs.map(([each, count]) => (/^(\\|\$|\(\?[=!<])/.test(each) ? each : each + count)).join(''));
    const grouped = fc
      .tuple(expressions, expressions, times)
      .map(([left, right, count]) =>
        left.includes('>') ? left : `(?:${left}|${right})${right.includes('>') ? '' : count}`,
      );
    fc.assert(
      fc.property(grouped, fc.stringMatching(/^[abc]{0,6}$/), (pattern, text) => {
        if ((pattern.match(/\(\?>/g) ?? []).length > 1) return;
        // A look-ahead never gives back what it took, so capturing in one and referring to it is atomic.
        const native = pattern.replace('(?>a|ab)', '(?:(?=(a|ab))\\1)');
        const expected = new RegExp(`^(?:${native})$`, 'u').test(text);
        expect(compilePattern(pattern, { call: 'fullmatch' }).test(text)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });
});
