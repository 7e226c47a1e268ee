import { type AdaLoraState, adalora, rankPattern } from '@peft/adalora';
import { type AnyStrategy, evaluate, fold } from '@peft/core';
import { linear } from '@peft/schedulers';
import { deepTanh, randomLayers, tanhBatch, tanhStream } from '../problems/deepTanh.ts';
import { plainLora } from '../problems/digitsMethods.ts';
import { matrixOf, multiply, orthonormal, transpose } from '../problems/matrix.ts';
import { squaredError } from '../problems/squaredError.ts';
import { trained } from '../problems/trained.ts';
import type { Claim } from '../report/claim.ts';
import { rangeSaid } from '../report/figures.ts';
import { overSeeds } from '../report/overSeeds.ts';
import { timed } from '../report/timed.ts';

const width = 32;
const count = 6;
const changed = [2, 5];
const steps = 1500;

export const b6FindsLayers: Claim = {
  id: 'B6',
  title: 'AdaLoRA finds the layers that changed in a deep network',
  setting:
    'Six residual tanh layers of width 32; layers 2 and 5 (counted from 0) change by orthonormal rank-4 deltas times 1.5. Batch 64, 1,500 steps, Adam at 0.01, linear decay; ' +
    'initRank 4, budget 8, orthogonality 0.1, scale 1, 150 warm-up and 500 final steps, pruning every 10. Errors are on 1,024 fresh inputs, over that of the unadapted network. ' +
    'LoRA of rank 1 ends with 6 rank units, of rank 2 with 12.',
  seeds: 5,
  async run(call) {
    const adaptive = await timed(() => overSeeds(call, 'B6 adalora', (seed) => fit(seed, searching())));
    const one = await timed(() => overSeeds(call, 'B6 LoRA r 1', (seed) => fit(seed, plainLora(1))));
    const two = await timed(() => overSeeds(call, 'B6 LoRA r 2', (seed) => fit(seed, plainLora(2))));
    const shares = adaptive.value.map(({ share }) => share);
    const errors = adaptive.value.map(({ error }) => error);
    const errorsOfOne = one.value.map(({ error }) => error);
    const errorsOfTwo = two.value.map(({ error }) => error);
    return {
      rows: [
        {
          id: 'B6.share',
          what: 'share of the budget on the two changed layers, every seed',
          figure: rangeSaid(shares, 2),
          threshold: 'at least 0.90',
          passed: Math.min(...shares) >= 0.9,
          seconds: adaptive.seconds,
          values: shares,
        },
        {
          id: 'B6.error',
          what: 'error of AdaLoRA over that of the unadapted network, every seed',
          figure: rangeSaid(errors),
          threshold: 'at most 0.001',
          passed: Math.max(...errors) <= 0.001,
          seconds: adaptive.seconds,
          values: errors,
        },
        {
          id: 'B6.lora1',
          what: 'the same of LoRA of rank 1',
          figure: rangeSaid(errorsOfOne, 2),
          threshold: 'above 0.25',
          passed: Math.min(...errorsOfOne) > 0.25,
          seconds: one.seconds,
          values: errorsOfOne,
        },
        {
          id: 'B6.lora2',
          what: 'the same of LoRA of rank 2',
          figure: rangeSaid(errorsOfTwo, 2),
          threshold: 'above 0.10',
          passed: Math.min(...errorsOfTwo) > 0.1,
          seconds: two.seconds,
          values: errorsOfTwo,
        },
      ],
    };
  },
};

function searching(): AnyStrategy {
  return adalora({
    initRank: 4,
    targetBudget: 8,
    alpha: 4,
    orthogonality: 0.1,
    warmupSteps: 150,
    finalSteps: 500,
    allocateEvery: 10,
  });
}

async function fit(seed: number, strategy: AnyStrategy) {
  const base = randomLayers(seed, { width, count });
  const teacher = base.map((layer, index) => {
    if (!changed.includes(index)) return layer;
    const left = orthonormal(fold(fold(seed, 'left'), index), width, 4);
    const right = orthonormal(fold(fold(seed, 'right'), index), width, 4);
    const delta = multiply(left, transpose(right));
    return matrixOf(
      width,
      width,
      (row, column) =>
        (layer.values[row * width + column] as number) + 1.5 * (delta.values[row * width + column] as number),
    );
  });
  const model = deepTanh(base);
  const fresh = { loss: squaredError, data: [tanhBatch(teacher, 1024, fold(seed, 'validation'))] };
  const before = await evaluate(model, fresh);
  const training = {
    strategy,
    targets: 'all-linear',
    loss: squaredError,
    data: tanhStream(teacher, 64),
    steps,
    schedule: linear(0.01),
    seed,
  };
  const fitted = await trained(model, training, async (adapter) => {
    const after = await evaluate(model, { ...fresh, adapter });
    const share = await shareOfChanged(adapter.adapter.state as unknown as AdaLoraState);
    return { share, error: after.loss / before.loss };
  });
  model.weights.dispose();
  return fitted;
}

async function shareOfChanged(state: AdaLoraState): Promise<number> {
  if (!state.mask) return Number.NaN;
  const live = Object.entries(await rankPattern(state)).map(
    ([path, pattern]) => [path, pattern.filter(Boolean).length] as const,
  );
  const total = live.reduce((sum, [, rank]) => sum + rank, 0);
  const wanted = new Set(changed.map((index) => `layer.${index}`));
  return live.reduce((sum, [path, rank]) => sum + (wanted.has(path) ? rank : 0), 0) / total;
}
