import { sizeOf } from '@peft/core';
import { f32, i32, i64, nothing, reads, writes } from '../plan/command.ts';
import type { Operand } from '../plan/operand.ts';
import { storageTags } from '../plan/storage.ts';
import type { CudaRows, LoweringCall } from './cudaRow.ts';
import { rowLaunch } from './rowLaunch.ts';
import { storageTag } from './storageTag.ts';

type Ops = 'Softmax' | 'PeftLayerNorm' | 'PeftLayerNormGrad' | 'PeftRmsNorm' | 'PeftRmsNormGrad';

export const normRows: CudaRows<Ops> = {
  PeftLayerNorm: { lower: lowerNorm, inPlace: [0], exact: [1, 2] },
  PeftRmsNorm: { lower: lowerNorm, inPlace: [0], exact: [1] },
  PeftLayerNormGrad: { lower: lowerGrad, inPlace: [0, 4] },
  PeftRmsNormGrad: { lower: lowerGrad, inPlace: [0, 3] },

  Softmax: {
    inPlace: [0],
    lower: ({ inputs, outputs, emit }) => {
      const [x] = inputs as readonly [Operand];
      const [y] = outputs as readonly [Operand];
      const { rows, width } = rowsOf(x);
      const { group, ...launch } = rowLaunch(rows, width);
      emit.kernel({
        kernel: { file: 'norm', name: `softmax${group}` },
        ...launch,
        arguments: [reads(x), writes(y), i64(rows), i32(width), storageTag(x), storageTag(y)],
      });
    },
  },
};

/** Layer norm [x, gain, bias -> y, mean, inverse], or RMS norm without bias and mean. */
function lowerNorm({
  inputs,
  attributes: { epsilon },
  outputs,
  emit,
}: LoweringCall<{ readonly epsilon: number }>): void {
  const [x, gain, bias] = inputs as readonly [Operand, Operand, Operand?];
  const y = outputs[0] as Operand;
  const inverse = outputs.at(-1) as Operand;
  const mean = outputs.length === 3 ? outputs[1] : undefined;
  const { rows, width } = rowsOf(x);
  const { group, ...launch } = rowLaunch(rows, width);
  emit.kernel({
    kernel: { file: 'norm', name: `norm${group}` },
    ...launch,
    arguments: [
      reads(x),
      reads(gain),
      bias ? reads(bias) : nothing,
      writes(y),
      mean ? writes(mean) : nothing,
      writes(inverse),
      i64(rows),
      i32(width),
      i32(Number(mean !== undefined)),
      f32(epsilon),
      storageTag(x),
      storageTag(gain),
      i32(storageTags[bias?.storage ?? 'f32']),
      storageTag(y),
    ],
  });
}

/** The gradient by x of [x, gain, mean, inverse, dy], or of an RMS norm without the mean. */
function lowerGrad({ inputs, outputs, emit }: LoweringCall<unknown>): void {
  const [x, gain] = inputs as readonly [Operand, Operand];
  const [inverse, dy] = inputs.slice(-2) as [Operand, Operand];
  const mean = inputs.length === 5 ? inputs[2] : undefined;
  const [dx] = outputs as readonly [Operand];
  const { rows, width } = rowsOf(x);
  const { group, ...launch } = rowLaunch(rows, width);
  emit.kernel({
    kernel: { file: 'norm', name: `normGrad${group}` },
    ...launch,
    arguments: [
      reads(x),
      reads(gain),
      mean ? reads(mean) : nothing,
      reads(inverse),
      reads(dy),
      writes(dx),
      i64(rows),
      i32(width),
      storageTag(x),
      storageTag(gain),
      storageTag(dy),
      storageTag(dx),
    ],
  });
}

function rowsOf({ shape }: Operand): { readonly rows: number; readonly width: number } {
  const width = shape.at(-1) as number;
  return { width, rows: sizeOf(shape.slice(0, -1)) };
}
