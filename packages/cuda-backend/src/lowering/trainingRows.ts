import { sizeOf } from '@peft/core';
import { type Argument, f32, i32, i64, reads, writes } from '../plan/command.ts';
import type { Operand } from '../plan/operand.ts';
import type { CudaRows } from './cudaRow.ts';
import type { Emitter } from './emitter.ts';
import { storageTag } from './storageTag.ts';

type Ops = 'PeftAdamW' | 'PeftImportance' | 'PeftTripletDistance' | 'PeftTripletDistanceGradient' | 'PeftTripletScore';

export const trainingRows: CudaRows<Ops> = {
  PeftAdamW: {
    inPlace: [0],
    exact: [0, 1, 2],
    lower: ({ inputs, attributes: { beta1, beta2, epsilon, weightDecay }, outputs, emit }) => {
      const leaves = inputs.slice(0, 4);
      const scalars = inputs.slice(4).map((scalar) => emit.stored(scalar, 'f32'));
      const count = sizeOf((inputs[0] as Operand).shape);
      emit.kernel({
        kernel: { file: 'training', name: 'adamw' },
        ...eightEach(count),
        arguments: [
          ...[...leaves, ...scalars].map(reads),
          ...outputs.map(writes),
          i64(count),
          f32(1 - beta1),
          f32(beta2),
          f32(1 - beta2),
          f32(epsilon),
          f32(weightDecay),
          ...[...leaves, ...outputs].map(storageTag),
        ],
      });
    },
  },

  PeftImportance: {
    exact: [0, 1],
    lower: ({ inputs, outputs, emit }) => {
      const leaves = inputs.slice(0, 4);
      const rates = inputs.slice(4).map((rate) => emit.stored(rate, 'f32'));
      const count = sizeOf((inputs[0] as Operand).shape);
      emit.kernel({
        kernel: { file: 'training', name: 'importance' },
        ...eightEach(count),
        arguments: [
          ...[...leaves, ...rates].map(reads),
          ...outputs.map(writes),
          i64(count),
          ...[...leaves, ...outputs].map(storageTag),
        ],
      });
    },
  },

  PeftTripletScore: {
    exact: [0],
    lower: ({ inputs, outputs, emit }) => {
      const [a, , b] = inputs as readonly [Operand, Operand, Operand];
      const [scores] = outputs as readonly [Operand];
      const [inner, rank] = a.shape as readonly [number, number];
      emit.kernel({
        kernel: { file: 'training', name: 'tripletScore' },
        blocks: rank,
        threads: 128,
        arguments: [
          ...inputs.map(reads),
          writes(scores),
          i32(inner),
          i32(rank),
          i32(b.shape[1] as number),
          ...inputs.map(storageTag),
          storageTag(scores),
        ],
      });
    },
  },

  PeftTripletDistance: {
    exact: [0],
    lower: ({ inputs, outputs, emit }) => {
      const [a, b, live] = inputs as readonly [Operand, Operand, Operand];
      const [distance] = outputs as readonly [Operand];
      const ofA = excessOf(emit, { factor: a, live, side: 'columns' });
      const ofB = excessOf(emit, { factor: b, live, side: 'rows' });
      emit.kernel({
        kernel: { file: 'training', name: 'tripletDistance' },
        blocks: 1,
        threads: 128,
        arguments: [reads(ofA), reads(ofB), writes(distance), i32(sizeOf(ofA.shape)), storageTag(distance)],
      });
    },
  },

  PeftTripletDistanceGradient: {
    exact: [0],
    lower: ({ inputs, attributes: { side }, outputs, emit }) => {
      const [factor, live, dy] = inputs as readonly [Operand, Operand, Operand];
      const [gradient] = outputs as readonly [Operand];
      const excess = excessOf(emit, { factor, live, side });
      const threads = 256;
      emit.kernel({
        kernel: { file: 'training', name: 'tripletGradient' },
        blocks: Math.ceil(sizeOf(factor.shape) / threads),
        threads,
        arguments: [
          reads(factor),
          reads(excess),
          reads(dy),
          writes(gradient),
          ...layoutOf(factor, side),
          storageTag(factor),
          storageTag(dy),
          storageTag(gradient),
        ],
      });
    },
  },
};

interface Vectors {
  readonly factor: Operand;
  readonly live: Operand;
  readonly side: 'columns' | 'rows';
}

/** The Gram matrix [rank, rank] of a factor's vectors minus the identity, where `live` counts both. */
function excessOf(emit: Emitter, { factor, live, side }: Vectors): Operand {
  const [rank] = live.shape as readonly [number];
  const excess = emit.scratch([rank, rank], 'f32');
  const threads = 256;
  emit.kernel({
    kernel: { file: 'training', name: 'tripletExcess' },
    blocks: Math.ceil((rank * rank) / (threads / 32)),
    threads,
    arguments: [
      reads(factor),
      reads(live),
      writes(excess),
      ...layoutOf(factor, side),
      storageTag(factor),
      storageTag(live),
    ],
  });
  return excess;
}

/** Rank, entries of a vector, and the strides between vectors and between entries. */
function layoutOf({ shape }: Operand, side: Vectors['side']): readonly Argument[] {
  const [rows, columns] = shape as readonly [number, number];
  return side === 'columns' ? [columns, rows, 1, columns].map(i32) : [rows, columns, columns, 1].map(i32);
}

/** A thread for eight numbers. */
function eightEach(count: number): { readonly blocks: number; readonly threads: number } {
  const threads = 128;
  return { threads, blocks: Math.ceil(count / (8 * threads)) };
}
