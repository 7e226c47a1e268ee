import { loadavg } from 'node:os';

/** Waits until the load average of the last minute is below a limit; false when it never was in that time. */
export async function waitForIdle(limit: {
  readonly load: number;
  readonly minutes: number;
  progress(text: string): void;
}): Promise<boolean> {
  const end = Date.now() + limit.minutes * 60_000;
  let isTold = false;
  while ((loadavg()[0] as number) > limit.load) {
    if (Date.now() > end) return false;
    if (!isTold) limit.progress(`waiting for the load to fall below ${limit.load}, at most ${limit.minutes} minutes`);
    isTold = true;
    await new Promise((resolve) => setTimeout(resolve, 5000));
  }
  return true;
}
