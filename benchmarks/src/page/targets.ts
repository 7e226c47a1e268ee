import { benchedModels } from '../step/benchedModel.ts';
import type { Figures, Measure, StepRow } from '../step/stepRow.ts';
import { gibibytes, percent } from '../step/stepTable.ts';

export type Judged = { readonly figure: string; readonly isMet: boolean | undefined };

/** A line of the table of targets, set before the figures were known. */
export type Target = {
  readonly measure: string;
  readonly target: string;
  /** The figure and whether it meets the target; undefined isMet where it is only reported; nothing if not measured. */
  judge(figures: Figures): Judged | undefined;
};

type Wanted = Partial<Pick<StepRow, 'model' | 'method' | 'engine' | 'batch' | 'seq' | 'dropout' | 'rank'>>;

const ofRow =
  (wanted: Wanted, judge: (row: StepRow) => Judged | undefined): Target['judge'] =>
  ({ rows }) => {
    const all: Wanted = { method: 'lora', engine: 'onnx', dropout: 0, rank: 8, ...wanted };
    const row = rows.find(
      (each) =>
        Object.entries(all).every(([name, value]) => each[name as keyof Wanted] === value) &&
        `${each.targets}` === `${benchedModels[each.model]?.targets}`,
    );
    const judged = row && judge(row);
    return judged && saidOf(judged, row.acceptedBusy);
  };

const ofMeasure =
  (id: string, isMet: (value: number) => boolean, model = 'bert-base'): Target['judge'] =>
  ({ measures }) => {
    const found = measures.find((each: Measure) => each.id === id && each.model === model && each.engine === 'onnx');
    return found && saidOf({ figure: found.said, isMet: isMet(found.value) }, found.acceptedBusy);
  };

function saidOf({ figure, isMet }: Judged, acceptedBusy: boolean): Judged {
  return { figure: acceptedBusy ? `${figure} (machine not idle)` : figure, isMet };
}

const faster = (row: StepRow, atLeast: number): Judged | undefined => {
  const rival = row.against['torch-fp32'];
  return rival && { figure: `${rival.ratio.toFixed(2)}x`, isMet: rival.ratio >= atLeast };
};

/** The table of what the compiled step must reach, on two cores with AVX-512, fp32 unless said. */
export const targets: readonly Target[] = [
  {
    measure: 'BERT-base, LoRA r=8 query and value, 8x128 tokens, over torch fp32',
    target: 'at least 2.0x, aim 2.2x',
    judge: ofRow({ model: 'bert-base', batch: 8, seq: 128 }, (row) => faster(row, 2)),
  },
  {
    measure: 'the same step, of its roofline',
    target: 'at least 85 %',
    judge: ofRow({ model: 'bert-base', batch: 8, seq: 128 }, ({ rooflineFraction, roofline }) => ({
      figure: `${percent(rooflineFraction)} (${percent(roofline.fastestRateFraction)} at the rate of the fastest shape)`,
      isMet: rooflineFraction >= 0.85,
    })),
  },
  {
    measure: 'GPT-2 124M, LoRA r=8 c_attn, language-model head, 4x128, over torch fp32',
    target: 'at least 2.4x',
    judge: ofRow({ model: 'gpt2', batch: 4, seq: 128 }, (row) => faster(row, 2.4)),
  },
  {
    measure: 'the same step, peak memory over torch fp32',
    target: 'at most 0.6x',
    judge: ofRow({ model: 'gpt2', batch: 4, seq: 128 }, ({ peakBytes, against: { 'torch-fp32': rival } }) => {
      if (!rival) return undefined;
      const figure = `${rival.memoryRatio.toFixed(2)}x (${gibibytes(peakBytes)} over ${gibibytes(rival.peakBytes)})`;
      return { figure, isMet: rival.memoryRatio <= 0.6 };
    }),
  },
  {
    measure: 'MiniLM-L6 shape, 32x64, over torch fp32',
    target: 'at least 2.2x',
    judge: ofRow({ model: 'minilm', batch: 32, seq: 64 }, (row) => faster(row, 2.2)),
  },
  {
    measure: 'OPT-1.3B, q and v, 2x128, over torch fp32',
    target: 'at least 2x, within 24 GB',
    judge: ofRow({ model: 'opt-1.3b', batch: 2, seq: 128 }, (row) => {
      const judged = faster(row, 2);
      return (
        judged && {
          figure: `${judged.figure}, peak ${gibibytes(row.peakBytes)}`,
          isMet: judged.isMet === true && row.peakBytes <= 24e9,
        }
      );
    }),
  },
  {
    measure: 'AdaLoRA step over LoRA step at BERT-base (all linears, same rank)',
    target: 'at most 1.05 (the paper: 1.10 to 1.18)',
    judge: ofMeasure('ratio-adalora', (value) => value <= 1.05),
  },
  { measure: 'a COLA knot at BERT-base', target: 'at most one step', judge: ofMeasure('knot', (value) => value <= 1) },
  {
    measure: 'capture, passes and session at BERT-base',
    target: 'at most 0.7 s',
    judge: ofMeasure('compile', (value) => value <= 0.7),
  },
  {
    measure: 'eager wasm over compiled, BERT-base',
    target: 'reported',
    judge: ofRow(
      { model: 'bert-base', batch: 8, seq: 128 },
      ({ against: { wasm } }) => wasm && { figure: `${wasm.ratio.toFixed(1)}x`, isMet: undefined },
    ),
  },
  {
    measure: 'event loop during a run',
    target: 'a 1 ms timer keeps at least 80 % of its ticks',
    judge: ofMeasure('eventloop', (value) => value >= 0.8),
  },
  {
    measure: 'tensors, native handles, resident memory over 2,000 steps and 20 knots at toy size',
    target: 'flat: at most 1 KB a step after warm-up',
    judge: ofMeasure('flat', (value) => value <= 1, 'bert-tiny'),
  },
];
