import { type AdapterFile, combinedFactors, fromTensor, PeftError, type Target, type TrainedAdapter } from '@peft/core';
import { biasWords } from './biasWords.ts';
import { exactly } from './pythonSelection.ts';

/**
 * The whole change of every target, finished links included, as one plain LoRA of the summed rank. The scaling is in
 * the factors: alpha is the rank. Throws `checkpoint/not-additive` for strategies without factors.
 */
export async function encodeAsLora(trained: TrainedAdapter): Promise<AdapterFile> {
  const { strategy } = trained;
  if (!strategy.factors) {
    throw new PeftError(
      'checkpoint/not-additive',
      `strategy "${strategy.name}" changes weights by more than products of two factors, so no LoRA equals it; write the merged model instead: saveModel with the weights of mergeAdapter.`,
    );
  }
  const pairs = new Map<string, AdapterFile['tensors'][string]>();
  for (const target of trained.targets) {
    const pair = await hostFactors(trained, target);
    if (pair) pairs.set(target.path, pair);
  }
  const ranks = [...pairs].map(([path, { b }]): [string, number] => [path, b?.shape[0] ?? 0]);
  const rank = mostFrequent(ranks.map(([, value]) => value));
  const others = Object.fromEntries(
    ranks.filter(([, value]) => value !== rank).map(([path, value]) => [`^${exactly(path)}`, value]),
  );
  return {
    peftType: 'LORA',
    config: {
      r: rank,
      loraAlpha: rank,
      rankPattern: others,
      alphaPattern: others,
      bias: biasWords[trained.bias],
      modulesToSave: trained.modulesToSave.length > 0 ? trained.modulesToSave : null,
      targetModules: [...pairs.keys()].sort(),
    },
    tensors: Object.fromEntries(pairs),
  };
}

async function hostFactors(trained: TrainedAdapter, target: Target) {
  const pair = combinedFactors(trained, target);
  if (!pair) return undefined;
  const host = { a: await fromTensor(pair.a), b: await fromTensor(pair.b) };
  pair.a.dispose();
  pair.b.dispose();
  return host.b.shape[0] === 0 ? undefined : host;
}

/** The value that comes most often, the larger of two that come equally often. */
function mostFrequent(values: readonly number[]): number {
  const count = (value: number) => values.filter((each) => each === value).length;
  return values.reduce(
    (best, value) => ((count(value) - count(best) || value - best) > 0 ? value : best),
    values[0] ?? 1,
  );
}
