import { expect, test } from 'vitest';
import { isPeftError, PeftError } from './error.ts';

test('a message keeps its lines and shows what could not be seen or would steer a terminal', () => {
  const quoted = 'a\u001b[31m\u202e\u0000\u2028\ud800\u200b\t';
  const { message, code, name } = new PeftError('data/range', `wrong: ${quoted}\n- é 語 🙂 is fine.`);
  expect(message).toBe('wrong: a\\u{1b}[31m\\u{202e}\\u{0}\\u{2028}\\u{d800}\\u{200b}\\u{9}\n- é 語 🙂 is fine.');
  expect([code, name]).toEqual(['data/range', 'PeftError']);
});

test('a message as long as a hostile file loses its middle', () => {
  const { message } = new PeftError('data/range', `start ${'x'.repeat(50_000)} end; do this.`);
  expect(message).toHaveLength(20_000 + '\n... 30020 characters left out ...\n'.length);
  expect(message).toMatch(/^start x+\n\.\.\. 30020 characters left out \.\.\.\nx+ end; do this\.$/);
});

test('a message as long as a hostile file of control characters is no longer', () => {
  const { message } = new PeftError('data/range', `start ${'\u{e0001}'.repeat(9_000)} end; do this.`);
  expect(message.length).toBeLessThan(20_100);
  expect(message).toMatch(/^start (\\u\{e0001\})+.*\n\.\.\. \d+ characters left out \.\.\.\n.* end; do this\.$/);
});

test('errors of other copies of the package are known by their marker', () => {
  expect(isPeftError(new PeftError('data/range', 'x'))).toBe(true);
  expect(isPeftError({ [Symbol.for('@peft/error')]: true })).toBe(true);
  expect([isPeftError(new Error('x')), isPeftError(undefined), isPeftError('x')]).toEqual([false, false, false]);
});
