import {
  type AdapterFile,
  combinedFactors,
  exactPattern,
  fromTensor,
  type HostArray,
  hostArray,
  layerKindOf,
  PeftError,
  sizeOf,
  type Target,
  type TrainedAdapter,
} from '@peft/core';
import { biasWords } from './biasWords.ts';

/**
 * The whole change of every target, finished links included, as one plain LoRA of the summed rank. The scaling is in
 * the factors: alpha is the rank. Throws `checkpoint/not-additive` for strategies without factors.
 */
export async function encodeAsLora(trained: TrainedAdapter): Promise<AdapterFile> {
  const { strategy } = trained;
  if (!strategy.factors && trained.targets.length === 0) {
    throw new PeftError(
      'checkpoint/not-additive',
      'no target is adapted, only modules trained whole or rows, and Python PEFT has these in a folder only beside LoRA or AdaLoRA; give the run a strategy and targets, or write the merged model: saveModel with the weights of mergeAdapter.',
    );
  }
  if (!strategy.factors) {
    throw new PeftError(
      'checkpoint/not-additive',
      `strategy "${strategy.name}" changes weights by more than products of two factors, so no LoRA equals it; write the merged model instead: saveModel with the weights of mergeAdapter.`,
    );
  }
  const pairs = new Map<string, AdapterFile['tensors'][string]>();
  for (const target of trained.targets) {
    const pair = (await hostFactors(trained, target)) ?? (trainsBias(trained, target) ? zeroPair(target) : undefined);
    if (pair) pairs.set(target.path, pair);
  }
  const ranks = Object.fromEntries([...pairs].map(([path, { b }]) => [path, b?.shape[0] ?? 0]));
  const { usual: rank, pattern } = exactPattern(ranks);
  return {
    peftType: 'LORA',
    config: {
      r: rank,
      loraAlpha: rank,
      rankPattern: pattern,
      alphaPattern: pattern,
      bias: biasWords[trained.bias],
      modulesToSave: trained.modulesToSave.length > 0 ? trained.modulesToSave : null,
      targetModules: [...pairs.keys()].sort(),
    },
    tensors: Object.fromEntries(pairs),
  };
}

/** Python calls a bias by the adapted layer around it, or does not look for it where the layer is not adapted. */
function trainsBias({ trained, bias }: TrainedAdapter, { path }: Target): boolean {
  return bias !== 'none' && Object.hasOwn(trained, `${path}.bias`);
}

function zeroPair(target: Target): AdapterFile['tensors'][string] {
  const { a, b } = layerKindOf(target).factorShapes(target, 1);
  return { a: zeros(a), b: zeros(b) };
}

function zeros(shape: readonly number[]): HostArray {
  return hostArray(new Float32Array(sizeOf(shape)), shape);
}

async function hostFactors(trained: TrainedAdapter, target: Target) {
  const pair = combinedFactors(trained, target);
  if (!pair) return undefined;
  const host = { a: await fromTensor(pair.a), b: await fromTensor(pair.b) };
  pair.a.dispose();
  pair.b.dispose();
  return host.b.shape[0] === 0 ? undefined : host;
}
