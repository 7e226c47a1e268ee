import { loadavg } from 'node:os';
import { adalora } from '@peft/adalora';
import { type AnyStrategy, adamw, type DataSource } from '@peft/core';
import { deepTanh, randomLayers, tanhBatch } from '../problems/deepTanh.ts';
import { plainLora } from '../problems/digitsMethods.ts';
import { squaredError } from '../problems/squaredError.ts';
import { StepClock } from '../problems/stepClock.ts';
import { waitForIdle } from '../problems/waitForIdle.ts';
import type { Claim, ClaimCall, Row } from '../report/claim.ts';
import { median } from '../report/summary.ts';
import { timed } from '../report/timed.ts';

const rank = 4;
const initRank = 8;
const rounds = 8;
const stepsPerRound = 5;
const warmUpSteps = 8;
const totalSteps = 100_000;
const repeats = 3;

type Size = { readonly width: number; readonly rows: number; readonly limit: number };
const sizes: readonly Size[] = [
  { width: 128, rows: 128, limit: 1.3 },
  { width: 256, rows: 256, limit: 1.15 },
];

export const d1StepTime: Claim = {
  id: 'D1',
  title: 'A step of AdaLoRA costs little more than one of LoRA',
  setting:
    `Twelve residual tanh layers, batch as large as the width, fineTune on wasm, one process; contenders take turns of ${stepsPerRound} steps, ${rounds} turns; the median of ${repeats} runs of the ratio of median step times. ` +
    `AdaLoRA at rank ${rank} while searching (scores every step, allocation every 10) against LoRA of rank ${rank}; after compaction from ${initRank} to ${rank} on average against LoRA of rank ${initRank}. ` +
    'Waits for an idle machine up to ten minutes. Processor time is of the whole process.',
  seeds: 0,
  async run(call) {
    const isIdle = await waitForIdle({ load: 0.6, minutes: 10, progress: call.progress });
    const load = loadavg()[0] as number;
    const rows: Row[] = [];
    for (const size of sizes) rows.push(...(await rowsOf(call, size)));
    const told = isIdle ? `The machine was idle (load ${load.toFixed(2)}).` : '';
    const busy = `**The machine was busy (load ${load.toFixed(2)}): other work shared the cores, so wall times are noisy; processor time suffers less.**`;
    return { rows, notes: [told || busy] };
  },
};

async function rowsOf(call: ClaimCall, { width, rows, limit }: Size): Promise<readonly Row[]> {
  const searching = () =>
    adalora({ initRank: rank, targetRank: rank / 2, alpha: rank, warmupSteps: 10, finalSteps: 1, allocateEvery: 10 });
  const compacted = () =>
    adalora({
      initRank,
      targetRank: rank,
      alpha: initRank,
      warmupSteps: 1,
      finalSteps: totalSteps - 4,
      allocateEvery: 1,
    });
  const search = await timed(() => compare(call, { width, rows, first: searching, second: () => plainLora(rank) }));
  const final = await timed(() => compare(call, { width, rows, first: compacted, second: () => plainLora(initRank) }));
  const row = (
    id: string,
    what: string,
    { value, seconds }: { readonly value: Comparison; readonly seconds: number },
  ) => ({
    id: `D1.${id}.${width}`,
    what: `${what}, width ${width}: ${(1000 * value.second).toFixed(1)} ms a step of LoRA; ratio by processor time ${value.processorRatio.toFixed(2)}`,
    figure: value.ratio.toFixed(2),
    seconds,
    values: value.ratios,
  });
  return [
    {
      ...row('search', `searching AdaLoRA over LoRA at rank ${rank}`, search),
      threshold: `at most ${limit.toFixed(2)}`,
      passed: search.value.ratio <= limit,
    },
    {
      ...row('compacted', `compacted AdaLoRA over LoRA at rank ${initRank}`, final),
      threshold: 'at most 1.00',
      passed: final.value.ratio <= 1,
    },
  ];
}

type Comparison = {
  readonly ratio: number;
  readonly ratios: readonly number[];
  readonly processorRatio: number;
  /** Median step of the second contender, in seconds. */
  readonly second: number;
};

async function compare(
  { progress }: ClaimCall,
  contest: {
    readonly width: number;
    readonly rows: number;
    readonly first: () => AnyStrategy;
    readonly second: () => AnyStrategy;
  },
): Promise<Comparison> {
  const layers = randomLayers(1, { width: contest.width, count: 12 });
  const batch = tanhBatch(randomLayers(2, { width: contest.width, count: 12 }), contest.rows, 3);
  const data: DataSource = {
    *batches() {
      while (true) yield batch;
    },
  };
  const ratios: number[] = [];
  const processorRatios: number[] = [];
  const seconds: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const model = deepTanh(layers);
    const clocks = [contest.first(), contest.second()].map(
      (strategy) =>
        new StepClock(model, {
          strategy,
          targets: 'all-linear',
          loss: squaredError,
          data,
          steps: totalSteps,
          optimizer: adamw(),
          schedule: 1e-3,
          keepLinks: false,
        }),
    );
    const wall: number[][] = [[], []];
    const processor = [0, 0];
    for (const clock of clocks) {
      await clock.ready();
      await clock.take(warmUpSteps);
    }
    for (let round = 0; round < rounds; round++) {
      for (const [index, clock] of clocks.entries()) {
        const times = await clock.take(stepsPerRound);
        wall[index]?.push(...times.wall);
        processor[index] = (processor[index] as number) + times.processor;
      }
    }
    for (const clock of clocks) await clock.end();
    model.weights.dispose();
    const [first, second] = wall.map(median) as [number, number];
    ratios.push(first / second);
    seconds.push(second);
    processorRatios.push((processor[0] as number) / (processor[1] as number));
    progress(`D1 width ${contest.width}, run ${repeat + 1}: ratio ${(first / second).toFixed(2)}`);
  }
  return { ratio: median(ratios), ratios, processorRatio: median(processorRatios), second: median(seconds) };
}
