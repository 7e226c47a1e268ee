import { fileURLToPath } from 'node:url';
import type { Engine } from '@peft/core';
import { Peer } from '../contest/peer.ts';
import { type Timings, timingsOf } from '../contest/timings.ts';
import { StepClock } from '../problems/stepClock.ts';
import { fullStepFlops } from '../products/fullStepFlops.ts';
import { contestModel } from '../worker/contestModel.ts';
import { contestRun } from '../worker/contestRun.ts';
import {
  type GpuContest,
  type GpuTargets,
  gpuContests,
  methodContests,
  mostMethodRatio,
  smallContests,
} from './gpuContests.ts';
import type { Finding, Section, SectionCall } from './section.ts';

/** Dense bf16 products of an H200 or H100, in operations a second. */
const peakFlops = 989e12;
const rounds = 5;
const stepsPerTurn = 10;
const warmUpSteps = 10;

/** Python's modes by their names in rival.py. */
const pythonModes = ['cuda-bf16', 'cuda-compile-bf16', 'cuda-graphs-bf16'] as const;
const rivalScript = fileURLToPath(new URL('../python/rival.py', import.meta.url));
const prepareSeconds = 150;

/** Steps of real sizes on the device, in turns with Python where it is there. */
export const timeSteps: Section = {
  name: 'times',
  async *run(call: SectionCall): AsyncIterable<Finding> {
    yield* timeMethods(call);
    for (const contest of call.isSmall ? smallContests : gpuContests) {
      if (!call.hasTime(contest.seconds)) {
        yield { name: contest.title, passed: false, found: { problem: 'left out: the time was up' } };
        continue;
      }
      try {
        yield await timeContest(contest, call);
      } catch (error) {
        yield { name: contest.title, passed: false, found: { problem: (error as Error).message } };
      }
    }
  },
};

async function* timeMethods({ engineOf, isSmall, log }: SectionCall): AsyncIterable<Finding> {
  const contests = methodContests(isSmall);
  const [lora, adalora] = await Promise.all(
    [contests.lora, contests.adalora].map((contest) => openOurs(contest, engineOf('bf16'))),
  );
  if (!lora || !adalora) return;
  const times: Record<string, number[]> = { lora: [], adalora: [] };
  for (let round = 0; round < rounds; round++) {
    for (const [name, ours] of Object.entries({ lora, adalora })) times[name]?.push(...(await ours.take()));
  }
  await Promise.all([lora.end(), adalora.end()]);
  const [over, under] = [timingsOf(times.adalora ?? []), timingsOf(times.lora ?? [])];
  const ratio = over.medianMs / under.medianMs;
  log(`AdaLoRA's step takes ${ratio.toFixed(3)} of LoRA's`);
  const found = { ratio, target: mostMethodRatio, loraMs: under.medianMs, adaloraMs: over.medianMs };
  yield { name: 'AdaLoRA over LoRA', passed: isSmall || ratio <= mostMethodRatio, found };
}

interface Contestant {
  /** Milliseconds of some steps, one after another. */
  take(): Promise<readonly number[]>;
  /** The most memory that was used on the device. */
  peakBytes(): Promise<number | undefined>;
  end(): Promise<void>;
}

async function openOurs(contest: GpuContest, engine: Engine): Promise<Contestant & { readonly flops: number }> {
  const made = contestModel(contest.assignment);
  const clock = new StepClock(made.model, { ...contestRun(contest.assignment, made), engine });
  await clock.ready();
  await clock.take(warmUpSteps);
  const measured = engine as Engine & { describe?(): Promise<{ readonly allocatedBytes?: number }> };
  return {
    flops: fullStepFlops(contest.assignment, made.model),
    take: async () => (await clock.take(stepsPerTurn)).wall.map((seconds) => 1000 * seconds),
    peakBytes: async () => (await measured.describe?.())?.allocatedBytes,
    async end() {
      await clock.end();
      made.model.weights.dispose();
    },
  };
}

async function openPython(mode: string, { assignment }: GpuContest, python: string): Promise<Contestant> {
  const peer = new Peer({ name: mode, command: python, args: ['-W', 'ignore', rivalScript] });
  try {
    await peer.ask({ do: 'prepare', mode, assignment }, prepareSeconds);
  } catch (error) {
    await peer.close();
    throw error;
  }
  return {
    async take() {
      const { times } = await peer.ask<{ times: readonly number[] }>(
        { do: 'steps', count: stepsPerTurn },
        prepareSeconds,
      );
      return times;
    },
    peakBytes: async () => (await peer.ask<{ peakBytes: number }>({ do: 'peak' }, 60)).peakBytes,
    end: () => peer.close(),
  };
}

async function timeContest(contest: GpuContest, { engineOf, python, isSmall, log }: SectionCall): Promise<Finding> {
  const ours = await openOurs(contest, engineOf('bf16'));
  const contestants = new Map<string, Contestant>([['ours', ours]]);
  const failed: Record<string, string> = {};
  for (const mode of python === undefined ? [] : pythonModes) {
    try {
      contestants.set(mode, await openPython(mode, contest, python as string));
    } catch (error) {
      failed[mode] = (error as Error).message;
      log(`${contest.title}: left out ${mode}: ${failed[mode]}`);
    }
  }
  const times = new Map<string, number[]>([...contestants.keys()].map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, contestant] of contestants) times.get(name)?.push(...(await contestant.take()));
  }
  const figures: Record<string, Timings & { readonly peakBytes: number | undefined }> = {};
  for (const [name, contestant] of contestants) {
    const { times: _, ...timings } = timingsOf(times.get(name) as readonly number[]);
    figures[name] = { ...timings, times: [], peakBytes: await contestant.peakBytes() };
    await contestant.end();
  }
  const { medianMs } = figures.ours as Timings;
  const { batch, seq } = contest.assignment;
  const peakShare = ours.flops / (medianMs / 1000) / peakFlops;
  const found = {
    medianMs,
    tokensPerSecond: (1000 * batch * seq) / medianMs,
    peakShare,
    figures,
    failed,
    reached: reachedOf(contest.targets, { figures, peakShare }),
  };
  log(
    `${contest.title}: ${Object.entries(figures)
      .map(([name, each]) => `${name} ${each.medianMs.toFixed(2)} ms`)
      .join(', ')}`,
  );
  return { name: contest.title, passed: isSmall || found.reached.every(({ isReached }) => isReached === true), found };
}

interface Measured {
  readonly figures: Readonly<Record<string, Timings & { readonly peakBytes: number | undefined }>>;
  readonly peakShare: number;
}

interface Reached {
  readonly target: string;
  readonly wanted: number;
  readonly found: number | undefined;
  /** Undefined: not measured. */
  readonly isReached: boolean | undefined;
}

/** Every target with what was found; one whose rival is not there is not measured. */
function reachedOf(targets: GpuTargets, { figures, peakShare }: Measured): readonly Reached[] {
  const { ours, ...rivals } = figures;
  const eager = rivals['cuda-bf16'];
  const own = (ours as Timings).medianMs;
  const fastest = Math.min(...Object.values(rivals).map((each) => each.medianMs));
  const ratio = (rival: number | undefined) =>
    rival === undefined || !Number.isFinite(rival) ? undefined : rival / own;
  const memory = ours?.peakBytes && eager?.peakBytes ? ours.peakBytes / eager.peakBytes : undefined;
  const least = (target: string, wanted: number | undefined, found: number | undefined) => ({
    target,
    wanted,
    found,
    isMost: false,
  });
  const most = (target: string, wanted: number | undefined, found: number | undefined) => ({
    target,
    wanted,
    found,
    isMost: true,
  });
  return [
    most('milliseconds', targets.mostMs, own),
    least('share of the peak', targets.leastPeakShare, peakShare),
    least('over eager', targets.overEager, ratio(eager?.medianMs)),
    least('over the fastest', targets.overFastest, ratio(fastest)),
    most('share of the memory of eager', targets.mostMemoryShare, memory),
  ].flatMap(({ target, wanted, found, isMost }) => {
    if (wanted === undefined) return [];
    const isReached = found === undefined ? undefined : isMost ? found <= wanted : found >= wanted;
    return [{ target, wanted, found, isReached }];
  });
}
