import { sizeOf } from '@peft/core';
import type { TensorType } from '@peft/graph';
import type { Operand } from '../plan/operand.ts';
import type { CudaRow, CudaRows, LoweringCall } from './cudaRow.ts';
import { copyStrided } from './layout/copyStrided.ts';
import { denseSteps } from './layout/denseSteps.ts';
import { padTensor } from './layout/padTensor.ts';
import { joinParts, splitParts } from './layout/parts.ts';

type Ops =
  | 'Identity'
  | 'ExpandDims'
  | 'Reshape'
  | 'Concat'
  | 'Pack'
  | 'PadV2'
  | 'Reverse'
  | 'Slice'
  | 'SplitV'
  | 'Tile'
  | 'Transpose'
  | 'Unpack';

const view: CudaRow<'Identity' | 'ExpandDims' | 'Reshape'> = {
  isView: true,
  lower: (call) => {
    const { x, y } = sidesOf(call);
    copyStrided(call.emit, { from: x, to: y, axes: [{ length: sizeOf(y.shape), from: 1, to: 1 }] });
  },
};

export const layoutRows: CudaRows<Ops> = {
  Identity: view,
  ExpandDims: view,
  Reshape: view,

  Concat: {
    lower: ({ inputs, attributes: { axis }, outputs, emit }) => {
      const whole = outputs[0] as Operand;
      joinParts(emit, { whole, parts: inputs, rows: sizeOf(whole.shape.slice(0, axis)) });
    },
  },

  Pack: {
    lower: ({ inputs, attributes: { axis }, outputs, emit }) => {
      const whole = outputs[0] as Operand;
      joinParts(emit, { whole, parts: inputs, rows: sizeOf(whole.shape.slice(0, axis)) });
    },
  },

  SplitV: {
    parts: ({ inputs, attributes: { axis, numOrSizeSplits } }) =>
      runsAlong((inputs[0] as TensorType).shape, axis, numOrSizeSplits),
    lower: ({ inputs, attributes: { axis }, outputs, emit }) => {
      const whole = inputs[0] as Operand;
      splitParts(emit, { whole, parts: outputs, rows: sizeOf(whole.shape.slice(0, axis)) });
    },
  },

  Unpack: {
    parts: ({ inputs, attributes: { axis }, outputs }) =>
      runsAlong(
        (inputs[0] as TensorType).shape,
        axis,
        outputs.map(() => 1),
      ),
    lower: ({ inputs, attributes: { axis }, outputs, emit }) => {
      const whole = inputs[0] as Operand;
      splitParts(emit, { whole, parts: outputs, rows: sizeOf(whole.shape.slice(0, axis)) });
    },
  },

  PadV2: {
    lower: (call) => {
      const { x, y } = sidesOf(call);
      const { paddings, constantValue } = call.attributes;
      padTensor(call.emit, { from: x, to: y, paddings, value: constantValue });
    },
  },

  Reverse: {
    lower: (call) => {
      const { x, y } = sidesOf(call);
      const { dims } = call.attributes;
      const steps = denseSteps(x.shape);
      const isTurned = (axis: number) => dims.includes(axis);
      copyStrided(call.emit, {
        from: x,
        to: y,
        axes: steps.map((step, axis) => ({
          length: x.shape[axis] as number,
          from: isTurned(axis) ? -step : step,
          to: step,
        })),
        fromStart: steps.reduce(
          (start, step, axis) => start + (isTurned(axis) ? ((x.shape[axis] as number) - 1) * step : 0),
          0,
        ),
      });
    },
  },

  Slice: {
    parts: ({ inputs, attributes: { begin, size } }) => {
      const { shape } = inputs[0] as TensorType;
      const first = size.findIndex((length) => length !== 1);
      const isRun = size.every((length, axis) => length > 0 && (axis <= first || first < 0 || length === shape[axis]));
      return isRun ? [startOf(shape, begin)] : undefined;
    },
    lower: (call) => {
      const { x, y } = sidesOf(call);
      const { begin, size } = call.attributes;
      const [steps, own] = [denseSteps(x.shape), denseSteps(size)];
      copyStrided(call.emit, {
        from: x,
        to: y,
        axes: size.map((length, axis) => ({ length, from: steps[axis] as number, to: own[axis] as number })),
        fromStart: startOf(x.shape, begin),
      });
    },
  },

  Tile: {
    lower: (call) => {
      const { x, y } = sidesOf(call);
      const { reps } = call.attributes;
      const [steps, own] = [denseSteps(x.shape), denseSteps(y.shape)];
      copyStrided(call.emit, {
        from: x,
        to: y,
        axes: x.shape.flatMap((length, axis) => [
          { length: reps[axis] as number, from: 0, to: length * (own[axis] as number) },
          { length, from: steps[axis] as number, to: own[axis] as number },
        ]),
      });
    },
  },

  Transpose: {
    lower: (call) => {
      const { x, y } = sidesOf(call);
      const [steps, own] = [denseSteps(x.shape), denseSteps(y.shape)];
      copyStrided(call.emit, {
        from: x,
        to: y,
        axes: call.attributes.perm.map((axis, place) => ({
          length: x.shape[axis] as number,
          from: steps[axis] as number,
          to: own[place] as number,
        })),
      });
    },
  },
};

/** Numbers before a place. */
function startOf(shape: readonly number[], begin: readonly number[]): number {
  const steps = denseSteps(shape);
  return begin.reduce((start, place, axis) => start + place * (steps[axis] as number), 0);
}

/** Numbers before each part along an axis, where nothing lies around it. */
function runsAlong(shape: readonly number[], axis: number, sizes: readonly number[]): readonly number[] | undefined {
  if (sizeOf(shape.slice(0, axis)) !== 1 || sizes.includes(0)) return undefined;
  const inner = sizeOf(shape.slice(axis + 1));
  let before = 0;
  return sizes.map((size) => {
    before += size * inner;
    return before - size * inner;
  });
}

function sidesOf({ inputs, outputs }: Pick<LoweringCall<unknown>, 'inputs' | 'outputs'>): { x: Operand; y: Operand } {
  return { x: inputs[0] as Operand, y: outputs[0] as Operand };
}
