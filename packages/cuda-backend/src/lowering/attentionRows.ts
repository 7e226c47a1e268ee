import { sizeOf } from '@peft/core';
import { f32, i32, i64, nothing, reads, u32, writes } from '../plan/command.ts';
import type { Operand } from '../plan/operand.ts';
import { maskArguments } from './attentionMask.ts';
import type { CudaRows } from './cudaRow.ts';
import type { Emitter } from './emitter.ts';
import { rowLaunch } from './rowLaunch.ts';
import { storageTag } from './storageTag.ts';

type Ops = 'PeftAttention' | 'PeftAttentionGrad' | 'PeftRotary';

const pairsPerThread = 8;
const rotaryThreads = 256;

export const attentionRows: CudaRows<Ops> = {
  PeftAttention: {
    lower: ({ inputs, attributes: { scale, causal }, outputs, emit }) => {
      const [query, key, value, mask] = inputs as readonly [Operand, Operand, Operand, Operand?];
      const [output, probabilities] = outputs as readonly [Operand, Operand];
      attend({ query, key, mask, probabilities, scale, causal, emit });
      emit.product({ a: probabilities, b: value, c: output });
    },
  },

  PeftAttentionGrad: {
    inPlace: [1],
    lower: ({ inputs, attributes: { scale }, outputs, emit }) => {
      const [value, probabilities, dy] = inputs as readonly [Operand, Operand, Operand];
      gradientOfScores({ value, probabilities, dy, dScores: outputs[0] as Operand, scale, emit });
    },
  },

  PeftRotary: {
    inPlace: [0],
    lower: ({ inputs, attributes: { backward }, outputs, emit }) => {
      const [x, cosines, sines] = inputs as readonly [Operand, Operand, Operand];
      const [y] = outputs as readonly [Operand];
      const [places, size] = x.shape.slice(-2) as [number, number];
      const groups = sizeOf(x.shape.slice(0, -1)) * Math.ceil(size / 2 / pairsPerThread);
      emit.kernel({
        kernel: { file: 'rotary', name: 'rotary' },
        blocks: Math.min(Math.ceil(groups / rotaryThreads), 8 * emit.device.multiprocessors),
        threads: rotaryThreads,
        arguments: [
          reads(x),
          reads(cosines),
          reads(sines),
          writes(y),
          i64(groups),
          u32(places),
          i32(size / 2),
          f32(backward ? -1 : 1),
          storageTag(x),
          storageTag(cosines),
          storageTag(sines),
          storageTag(y),
        ],
      });
    },
  },
};

export interface AttendCall {
  readonly query: Operand;
  readonly key: Operand;
  readonly mask: Operand | undefined;
  /** [..., queries, keys] */
  readonly probabilities: Operand;
  /** [..., queries, 2]: the largest score of each query and the sum of its exponentials. */
  readonly statistics?: Operand;
  readonly scale: number;
  readonly causal: boolean;
  readonly emit: Emitter;
}

/** softmax(scale * query . key' + mask) into `probabilities`. */
export function attend({ query, key, mask, probabilities, statistics, scale, causal, emit }: AttendCall): void {
  const { shape } = probabilities;
  const [queries, keys] = shape.slice(-2) as [number, number];
  // Scores may be large where probabilities are not: bf16 would lose what tells them apart.
  const scores = probabilities.storage === 'f32' ? probabilities : emit.scratch(shape, 'f32');
  emit.product({ a: query, b: key, c: scores, transposeB: true, alpha: scale });
  const rows = sizeOf(shape.slice(0, -1));
  const { group, ...launch } = rowLaunch(rows, keys);
  emit.kernel({
    kernel: { file: 'attentionSoftmax', name: `attentionSoftmax${group}` },
    ...launch,
    arguments: [
      reads(scores),
      writes(probabilities),
      statistics ? writes(statistics) : nothing,
      ...maskArguments(mask, shape),
      i64(rows),
      i32(queries),
      i32(keys),
      i32(Number(causal)),
      storageTag(scores),
      storageTag(probabilities),
    ],
  });
}

export interface ScoresGradientCall {
  readonly value: Operand;
  readonly probabilities: Operand;
  readonly dy: Operand;
  /** [..., queries, keys] */
  readonly dScores: Operand;
  readonly scale: number;
  readonly emit: Emitter;
}

/** The gradient of query . key' into `dScores`, which may be the memory of `probabilities`. */
function gradientOfScores({ value, probabilities, dy, dScores, scale, emit }: ScoresGradientCall): void {
  const isFree = dScores.storage === 'f32' && dScores.region !== probabilities.region;
  const direct = isFree ? dScores : emit.scratch(dScores.shape, 'f32');
  emit.product({ a: dy, b: value, c: direct, transposeB: true, alpha: scale });
  const keys = dScores.shape.at(-1) as number;
  const rows = sizeOf(dScores.shape.slice(0, -1));
  const { group, ...launch } = rowLaunch(rows, keys);
  emit.kernel({
    kernel: { file: 'attentionSoftmax', name: `attentionSoftmaxGrad${group}` },
    ...launch,
    arguments: [
      reads(direct),
      reads(probabilities),
      writes(dScores),
      i64(rows),
      i32(keys),
      storageTag(direct),
      storageTag(probabilities),
      storageTag(dScores),
    ],
  });
}
