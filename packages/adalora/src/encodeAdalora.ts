import {
  type AdapterFile,
  type AnyStrategy,
  fromTensor,
  type HostArray,
  PeftError,
  type TrainedAdapter,
} from '@peft/core';
import type { AdaLoraSettings } from './adaloraOptions.ts';
import { type AdaLoraState, type ByTarget, isSearching, type Triplets } from './adaloraState.ts';
import { keepTriplets } from './keepTriplets.ts';
import { phasesOf } from './phases.ts';
import { pythonScaling } from './pythonScaling.ts';
import { rankPattern } from './rankPattern.ts';

/** Python PEFT's words for which biases were trained. */
const biasWords = { none: 'none', all: 'all', adapted: 'lora_only' } as const;

/**
 * An AdaLoRA adapter as `adapter_config.json` and its tensors have it. Dead triplets are left out wherever that changes
 * nothing: a pruned triplet that has come back since stays in the file.
 * @throws PeftError `adalora/not-adalora` for an adapter of another strategy.
 */
export async function encodeAdalora(trained: TrainedAdapter): Promise<AdapterFile> {
  const options = optionsOf(trained.strategy);
  const params = trained.adapter.params as ByTarget<Triplets>;
  const state = trained.adapter.state as AdaLoraState;
  const { warmupSteps, finalSteps } = phasesOf(options, state.totalSteps);
  const elected = await rankPattern(state);
  const pattern: Record<string, readonly boolean[]> = {};
  const tensors: Record<string, Readonly<Record<string, HostArray>>> = {};
  for (const target of trained.targets) {
    const triplets = params[target.path];
    const mask = elected[target.path] ?? [];
    const host = triplets && (await readTriplets(triplets));
    const live = host && isSearching(state) ? mask.map((is, i) => is || host.lambda.data[i] !== 0) : mask;
    pattern[target.path] = live;
    tensors[target.path] = keepTriplets(target, host, live);
  }
  const isPruned = Object.values(pattern).some((live) => live.includes(false));
  const targetCount = trained.targets.length;
  return {
    peftType: 'ADALORA',
    config: {
      initR: options.initRank,
      targetR:
        options.targetBudget === undefined ? options.targetRank : Math.round(options.targetBudget / (targetCount || 1)),
      tinit: warmupSteps,
      tfinal: finalSteps,
      deltaT: options.allocateEvery,
      beta1: options.beta1,
      beta2: options.beta2,
      orthRegWeight: options.orthogonality,
      totalStep: state.totalSteps,
      loraAlpha: pythonScaling.alphaFor(options.scaling, options.initRank),
      loraDropout: options.dropout,
      rankPattern: isPruned ? pattern : null,
      bias: biasWords[trained.bias],
      modulesToSave: trained.modulesToSave.length > 0 ? trained.modulesToSave : null,
      targetModules: trained.targets.map(({ path }) => path).sort(),
    },
    tensors,
  };
}

async function readTriplets({ a, lambda, b }: Triplets) {
  return { a: await fromTensor(a), lambda: await fromTensor(lambda), b: await fromTensor(b) };
}

function optionsOf(strategy: AnyStrategy): AdaLoraSettings {
  if (strategy.fileFormat?.peftType === 'ADALORA' && 'options' in strategy) return strategy.options as AdaLoraSettings;
  throw new PeftError(
    'adalora/not-adalora',
    `adaloraFileFormat writes adapters that adalora() made, and strategy "${strategy.name}" is another; use that strategy's own fileFormat.`,
  );
}
