import { adalora } from '@peft/adalora';
import { plainLora } from '../problems/digitsMethods.ts';
import { type StateBytes, stateBytesAfter } from '../problems/stateBytes.ts';
import type { Claim, Row } from '../report/claim.ts';

const layers = 6;
const width = 64;
const rank = 4;
const initRank = 6;
const steps = 12;
const lastPruning = 8;

const loraSize = layers * 2 * width * rank;
const searchSize = layers * (2 * width + 1) * initRank;
const keptSize = layers * (2 * width + 1) * rank;

export const d2StateBytes: Claim = {
  id: 'D2',
  title: 'Memory of adapter, optimizer and scores, to the byte',
  setting:
    `Six layers of width ${width}; LoRA of rank ${rank}, AdaLoRA from ${initRank} to ${rank} on average, AdamW. Parameters, gradients, moments and score averages, in float32; ` +
    'N is the number of trained values. Masks (one value a triplet) are not among them and are listed beside.',
  seeds: 0,
  async run() {
    const began = performance.now();
    const options = { initRank, targetRank: rank, alpha: initRank, warmupSteps: 1, finalSteps: steps - lastPruning };
    const [lora] = await stateBytesAfter(plainLora(rank), { at: [3], steps });
    const [searching, compacted] = await stateBytesAfter(adalora(options), { at: [3, steps - 1], steps });
    const [, masked] = await stateBytesAfter(adalora({ ...options, compact: false }), { at: [3, steps - 1], steps });
    const seconds = (performance.now() - began) / 1000;
    return {
      rows: [
        row({ id: 'lora', what: 'LoRA', bytes: lora, size: loraSize, factor: 4, seconds }),
        row({ id: 'search', what: 'AdaLoRA while searching', bytes: searching, size: searchSize, factor: 6, seconds }),
        row({
          id: 'final',
          what: 'AdaLoRA in its final phase, not compacted',
          bytes: masked,
          size: searchSize,
          factor: 4,
          seconds,
        }),
        row({
          id: 'compacted',
          what: 'AdaLoRA in its final phase, compacted',
          bytes: compacted,
          size: keptSize,
          factor: 4,
          seconds,
        }),
      ],
    };
  },
};

function row(of: {
  readonly id: string;
  readonly what: string;
  readonly bytes: StateBytes | undefined;
  readonly size: number;
  readonly factor: number;
  readonly seconds: number;
}): Row {
  const { parameters = 0, gradients = 0, moments = 0, scores = 0, rest = 0 } = of.bytes ?? {};
  const total = parameters + gradients + moments + scores;
  const expected = of.factor * 4 * of.size;
  return {
    id: `D2.${of.id}`,
    what: `${of.what}: bytes (N = ${of.size}; masks ${rest})`,
    figure: total.toLocaleString('en'),
    threshold: `exactly ${of.factor} x 4 N = ${expected.toLocaleString('en')}`,
    passed: total === expected,
    seconds: of.seconds,
  };
}
