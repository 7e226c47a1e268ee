import { setTimeout as sleep } from 'node:timers/promises';
import { PeftError } from '@peft/core';
import { machineTime, processTime } from './processorTime.ts';

/** A processor may be busy for this share of a second and still count as idle. */
const idleShare = 0.05;
const idleSeconds = 3;

/**
 * Waits until every processor has been idle for some seconds in a row.
 * @throws PeftError `bench/busy` when that does not happen in time.
 */
export async function waitForIdleMachine(call: {
  readonly timeoutSeconds: number;
  log(line: string): void;
  readonly busyShare?: () => Promise<number>;
}): Promise<void> {
  const { timeoutSeconds, log, busyShare = busyShareOfASecond } = call;
  const end = performance.now() + 1000 * timeoutSeconds;
  let idle = 0;
  let isTold = false;
  while (idle < idleSeconds) {
    const share = await busyShare();
    idle = share <= idleShare ? idle + 1 : 0;
    if (idle > 0) continue;
    if (performance.now() > end) {
      throw new PeftError(
        'bench/busy',
        `the machine was not idle for ${idleSeconds} s in a row within ${timeoutSeconds} s (the processors are ${Math.round(100 * share)} % busy). End what else runs, wait longer with --idle-timeout, or measure all the same with --accept-busy.`,
      );
    }
    if (!isTold) log(`waiting for an idle machine (processors ${Math.round(100 * share)} % busy)`);
    isTold = true;
  }
}

async function busyShareOfASecond(): Promise<number> {
  const before = machineTime();
  await sleep(1000);
  const after = machineTime();
  return (after.busy - before.busy) / (after.total - before.total);
}

const quietWindowMs = 60;

/** Waits until none of these processes uses a processor, as spinning thread pools do for a while; false after `seconds`. */
export async function waitForQuiet(pids: readonly number[], seconds = 5): Promise<boolean> {
  const used = () => pids.reduce((sum, pid) => sum + (processTime(pid) ?? 0), 0);
  const end = performance.now() + 1000 * seconds;
  for (let before = used(); performance.now() < end; ) {
    await sleep(quietWindowMs);
    const after = used();
    if (after === before) return true;
    before = after;
  }
  return false;
}
