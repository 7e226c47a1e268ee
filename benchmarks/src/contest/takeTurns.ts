import { waitForQuiet } from './idleMachine.ts';
import { machineTime, processTime } from './processorTime.ts';

/** Someone whose steps are timed: one step a call, resolving to milliseconds. */
export type Contestant = { readonly name: string; readonly pid: number; turn(): Promise<number> };

export type Turns = {
  readonly times: ReadonlyMap<string, readonly number[]>;
  /** Rounds thrown away, because something else used the processors during a step, or a pool would not rest. */
  readonly disturbedRounds: number;
};

/** Processors that others may use during a step before its round counts as disturbed. */
const othersLimit = 0.15;

/**
 * Lets contestants step one after another, round by round, so that whatever drifts hits all alike. A disturbed round is
 * thrown away and run again, at most as often as there are rounds, unless a busy machine is accepted.
 */
export async function takeTurns(
  contestants: readonly Contestant[],
  call: { readonly rounds: number; readonly acceptsBusy: boolean; log(line: string): void },
): Promise<Turns> {
  const times = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  const pids = contestants.map(({ pid }) => pid);
  let disturbedRounds = 0;
  for (let round = 0; round < call.rounds; ) {
    let isDisturbed = false;
    const inRound: [string, number][] = [];
    for (const { name, pid, turn } of contestants) {
      const isQuiet = await waitForQuiet(pids);
      const before = processorsNow(pid);
      const began = performance.now();
      inRound.push([name, await turn()]);
      const others = (processorsNow(pid) - before) / ((performance.now() - began) / 1000);
      if (!isQuiet || others > othersLimit) isDisturbed = true;
    }
    if (isDisturbed) disturbedRounds++;
    if (isDisturbed && !call.acceptsBusy && disturbedRounds <= call.rounds) continue;
    for (const [name, ms] of inRound) times.get(name)?.push(ms);
    round++;
    call.log(
      `round ${round}: ${inRound.map(([name, ms]) => `${name} ${ms.toFixed(0)} ms`).join(', ')}${isDisturbed ? ' (disturbed)' : ''}`,
    );
  }
  return { times, disturbedRounds };
}

/** Processor seconds of the machine that are not this process's own nor the contestant's. */
function processorsNow(pid: number): number {
  const own = process.cpuUsage();
  return machineTime().busy - (processTime(pid) ?? 0) - (own.user + own.system) / 1e6;
}
