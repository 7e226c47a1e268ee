import { expect, it } from 'vitest';
import { CompilerError } from './compilerError.ts';
import { Turns } from './turns.ts';

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

it('calls run one after another, whatever came of those before', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const call = (name: string, milliseconds: number) =>
    turns.take(async () => {
      seen.push(`${name} begins`);
      await pause(milliseconds);
      seen.push(`${name} ends`);
      if (name === 'second') throw new Error('second failed');
      return name;
    });
  const results = await Promise.allSettled([call('first', 5), call('second', 1), call('third', 0)]);
  expect(results.map((result) => ('value' in result ? result.value : String(result.reason)))).toEqual([
    'first',
    'Error: second failed',
    'third',
  ]);
  expect(seen).toEqual(['first begins', 'first ends', 'second begins', 'second ends', 'third begins', 'third ends']);
});

it('says whether one would begin at once', async () => {
  const turns = new Turns();
  expect(turns.isFree).toBe(true);
  const calls = [turns.take(() => pause(1)), turns.take(() => Promise.reject(new Error('failed')))];
  expect(turns.isFree).toBe(false);
  await Promise.allSettled(calls);
  expect(turns.isFree).toBe(true);
  turns.end(async () => {});
  expect(turns.isFree).toBe(false);
});

it('the end waits for what is in flight, comes once, and refuses what is later', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const last = turns.take(async () => {
    await pause(2);
    seen.push('last');
  });
  turns.end(async () => void seen.push('freed'));
  turns.end(async () => void seen.push('freed again'));
  await expect(turns.take(async () => 'late')).rejects.toThrow(
    new CompilerError('compiler/disposed', 'this program was disposed of; compile the functions again.'),
  );
  await last;
  await pause(1);
  expect(seen).toEqual(['last', 'freed']);
});
