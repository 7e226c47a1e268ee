import { expect, test } from 'vitest';
import { waitForIdleMachine } from './idleMachine.ts';

const shares = (values: number[]) => async () => values.shift() ?? 0;

test('the machine must be idle three times in a row', async () => {
  const values = [0.9, 0.01, 0.02, 0.4, 0.01, 0.05, 0];
  const lines: string[] = [];
  await waitForIdleMachine({ timeoutSeconds: 60, log: (line) => lines.push(line), busyShare: shares(values) });
  expect(values).toEqual([]);
  expect(lines).toEqual(['waiting for an idle machine (processors 90 % busy)']);
});

test('a machine that stays busy is refused, with what to do', async () => {
  const busy = waitForIdleMachine({ timeoutSeconds: 0, log: () => {}, busyShare: async () => 0.5 });
  await expect(busy).rejects.toThrow(
    'the machine was not idle for 3 s in a row within 0 s (the processors are 50 % busy). End what else runs, wait longer with --idle-timeout, or measure all the same with --accept-busy.',
  );
});
