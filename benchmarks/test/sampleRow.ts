import type { RivalFigures, StepRow } from '../src/step/stepRow.ts';

export const sampleRival: RivalFigures = {
  medianMs: 2100,
  bestMs: 2000,
  spreadMs: 30,
  peakBytes: 2 * 2 ** 30,
  ratio: 2.1,
  bestRatio: 2,
  memoryRatio: 0.5,
  threads: 2,
};

/** A row of BERT-base with round figures. */
export function sampleRow(change: Partial<StepRow> = {}): StepRow {
  const product = { batch: 1, m: 1000, k: 1000, n: 1000, transposeA: false, transposeB: true };
  return {
    model: 'bert-base',
    method: 'lora',
    engine: 'onnx',
    batch: 8,
    seq: 128,
    rank: 8,
    dropout: 0,
    targets: ['query', 'value'],
    threads: 2,
    trainable: 296450,
    weights: 'inputs',
    medianMs: 1000,
    bestMs: 990,
    spreadMs: 12,
    tokensPerSecond: 1024,
    peakBytes: 2 ** 30,
    rooflineFraction: 0.9,
    roofline: {
      flops: 360e9,
      gflopsPerSecond: 400,
      ms: 900,
      fastestGflopsPerSecond: 420,
      fastestRateFraction: 0.857,
      skippedFlops: 20e9,
      products: [
        { ...product, count: 160, bestMs: 5 },
        { ...product, n: 8, count: 20, bestMs: 5 },
      ],
    },
    against: { 'torch-fp32': sampleRival },
    failed: {},
    firstStepMs: 1800,
    rounds: 10,
    disturbedRounds: 1,
    acceptedBusy: false,
    circumstances: {
      command: 'pnpm bench step --model bert-base',
      date: '2026-01-02',
      machine: 'a machine',
      versions: { torch: '2.13.0' },
    },
    ...change,
  };
}
