import { expect, test } from 'vitest';
import { takeTurns } from './takeTurns.ts';

test('contestants step in turn, round by round', async () => {
  const order: string[] = [];
  const contestant = (name: string, ms: number) => ({
    name,
    pid: 0,
    turn: async () => {
      order.push(name);
      return ms + order.length;
    },
  });
  const lines: string[] = [];
  const { times } = await takeTurns([contestant('ours', 10), contestant('torch', 20)], {
    rounds: 2,
    acceptsBusy: true,
    log: (line) => lines.push(line.replace(' (disturbed)', '')),
  });
  expect(order).toEqual(['ours', 'torch', 'ours', 'torch']);
  expect(Object.fromEntries(times)).toEqual({ ours: [11, 13], torch: [22, 24] });
  expect(lines).toEqual(['round 1: ours 11 ms, torch 22 ms', 'round 2: ours 13 ms, torch 24 ms']);
});
