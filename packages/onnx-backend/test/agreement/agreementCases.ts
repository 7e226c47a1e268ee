import { type AdaLoraOptions, adalora, globalTop, pythonThreshold, type RankAllocator } from '@peft/adalora';
import { cola } from '@peft/cola';
import { type AnyStrategy, batches, type FineTuneOptions, hostArray, loraPlus, perTarget, sgd } from '@peft/core';
import { toyData } from '@peft/core/testing';
import { lora } from '@peft/lora';

export type Watch = (allocator: RankAllocator) => RankAllocator;

/** A run of 50 steps to be taken by two engines. */
export interface AgreementCase {
  /** @param watch takes every allocator of ranks, and gives back the one to use */
  readonly strategy: (watch: Watch) => AnyStrategy;
  readonly options?: Partial<FineTuneOptions>;
}

/** Ten steps of warm-up, thirty of search, ten with the ranks fixed and dead triplets gone. */
const phases: AdaLoraOptions = { initRank: 4, targetRank: 2, alpha: 4, warmupSteps: 10, finalSteps: 10 };
/** The same in a link of 25 steps. */
const linkPhases: AdaLoraOptions = { ...phases, warmupSteps: 5, finalSteps: 8 };

const searching =
  (options: AdaLoraOptions, allocator = globalTop) =>
  (watch: Watch) =>
    adalora({ ...options, allocator: watch(allocator) }) as AnyStrategy;
const plain = () => lora({ rank: 2 }) as AnyStrategy;
const dora = () => lora({ rank: 2, dora: true }) as AnyStrategy;

/** Batches of the toy task with these numbers of rows. */
function unevenBatches(lengths: readonly number[]): FineTuneOptions['data'] {
  const { ids, targets } = toyData();
  const cut = (rows: number) => ({
    ids: hostArray((ids.data as Int32Array).slice(0, rows * 2), [rows, 2]),
    targets: hostArray((targets.data as Float32Array).slice(0, rows * 6), [rows, 2, 3]),
  });
  return { batchesPerEpoch: lengths.length, batches: (_epoch, _seed, skip) => lengths.slice(skip).map(cut) };
}

const evaluated = { evaluation: { data: batches(toyData(4, 9), { batchSize: 4 }), every: 5 } };

/** Runs that between them use all that the loop and the strategies do. */
export const agreementCases: Readonly<Record<string, AgreementCase>> = {
  LoRA: { strategy: plain },
  'LoRA with dropout and accumulation': {
    strategy: () => lora({ rank: 2, dropout: 0.3 }) as AnyStrategy,
    options: { accumulate: 3 },
  },
  'LoRA, clipped, with a trained head, biases and rates of its own': {
    strategy: plain,
    options: {
      targets: ['embed', 'query'],
      modulesToSave: ['head'],
      bias: 'adapted',
      maxGradientNorm: 0.3,
      groups: [loraPlus(4)],
    },
  },
  'LoRA by momentum': { strategy: plain, options: { optimizer: sgd({ momentum: 0.9, nesterov: true }) } },
  'DoRA with dropout': { strategy: () => lora({ rank: 2, dora: true, dropout: 0.2 }) as AnyStrategy },
  'AdaLoRA through its phases': { strategy: searching(phases) },
  "AdaLoRA by Python's threshold, with dropout": {
    strategy: searching({ ...phases, dropout: 0.1 }, pythonThreshold),
  },
  'AdaLoRA with targets at rank 0': { strategy: searching({ ...phases, targetRank: undefined, targetBudget: 2 }) },
  'COLA of LoRA': { strategy: () => cola(plain(), { links: 4 }) as AnyStrategy },
  'COLA of DoRA': { strategy: () => cola(dora(), { links: 2 }) as AnyStrategy },
  'COLA of AdaLoRA, accumulated': {
    strategy: (watch) => cola(searching(linkPhases)(watch), { links: 2 }) as AnyStrategy,
    options: { accumulate: 2 },
  },
  'AdaLoRA beside a chain of DoRA and a LoRA': {
    strategy: (watch) =>
      perTarget([
        { targets: ['query'], strategy: searching(phases)(watch) },
        { targets: ['embed'], strategy: cola(dora(), { links: 2 }) as AnyStrategy },
        { targets: ['head'], strategy: plain() },
      ]),
  },
  'a head and biases alone': {
    strategy: plain,
    options: { strategy: undefined, targets: undefined, modulesToSave: ['head', 'layer.1.query'], bias: 'all' },
  },
  'three shapes of batch': { strategy: plain, options: { data: unevenBatches([6, 3, 6, 5]) } },
  'evaluation between steps, the best state kept': {
    strategy: plain,
    options: { ...evaluated, keepBest: true },
  },
  'early stopping': { strategy: plain, options: { ...evaluated, earlyStopping: { patience: 1, minimumChange: 0.05 } } },
};

/** Allocators that tell how far apart the scores on both sides of the threshold are; for eager runs. */
export function watchGaps(tell: (gap: number) => void): Watch {
  return (allocator) => ({
    name: allocator.name,
    allocate(call) {
      const scores = Object.values(call.scores).flatMap((tensor) => [...tensor.dataSync()]);
      const budget = Number(call.budget.dataSync()[0]);
      const [last, first] = scores.sort((left, right) => right - left).slice(budget - 1, budget + 1);
      if (last !== undefined && first !== undefined) tell((last - first) / last);
      return allocator.allocate(call);
    },
  });
}
