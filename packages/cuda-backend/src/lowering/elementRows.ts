import { sizeOf } from '@peft/core';
import type { Node, OpName } from '@peft/graph';
import { type Argument, f32, i32, i64, nothing, reads, u32, writes } from '../plan/command.ts';
import type { Operand } from '../plan/operand.ts';
import { storageTags } from '../plan/storage.ts';
import { broadcastAxes } from './broadcastAxes.ts';
import type { CudaRow, CudaRows, LoweringCall } from './cudaRow.ts';
import { elementCall } from './elementCall.ts';
import { elementNumbers } from './elementCases.ts';
import { elementLaunch, packsOf } from './elementLaunch.ts';
import type { Emitter } from './emitter.ts';
import { storageTag } from './storageTag.ts';

/** A row of `elementExpressions`; the result may be written over an operand of its own shape. */
function element<Op extends OpName>(op: Op, inPlace: readonly number[]): CudaRow<Op> {
  return {
    lower: ({ inputs, attributes, outputs: [output], emit }) => {
      const call = elementCall({ op, attributes } as unknown as Node, output as Operand);
      if (!call) return;
      const operands = call.operands.map((place) => inputs[place] as Operand);
      emitElement({ ...call, operands, output: output as Operand, emit });
    },
    ...(inPlace.length > 0 ? { inPlace } : {}),
  };
}

const unary = <Op extends OpName>(op: Op) => element(op, [0]);
const binary = <Op extends OpName>(op: Op) => element(op, [0, 1]);

export const elementRows = {
  Abs: unary('Abs'),
  Ceil: unary('Ceil'),
  Cos: unary('Cos'),
  Elu: unary('Elu'),
  Erf: unary('Erf'),
  Exp: unary('Exp'),
  Expm1: unary('Expm1'),
  Floor: unary('Floor'),
  Log: unary('Log'),
  Log1p: unary('Log1p'),
  LogicalNot: unary('LogicalNot'),
  Neg: unary('Neg'),
  Reciprocal: unary('Reciprocal'),
  Relu: unary('Relu'),
  Relu6: unary('Relu6'),
  Round: unary('Round'),
  Rsqrt: unary('Rsqrt'),
  Sigmoid: unary('Sigmoid'),
  Sign: unary('Sign'),
  Sin: unary('Sin'),
  Softplus: unary('Softplus'),
  Sqrt: unary('Sqrt'),
  Square: unary('Square'),
  Tanh: unary('Tanh'),
  Cast: element('Cast', [0]),
  ClipByValue: element('ClipByValue', [0]),
  LeakyRelu: element('LeakyRelu', [0]),
  Step: element('Step', [0]),
  PeftGelu: element('PeftGelu', [0]),
  PeftGeluGrad: { ...element('PeftGeluGrad', [0, 2]), unread: [1] },
  PeftGeluTanh: element('PeftGeluTanh', [0]),
  PeftGeluTanhGrad: element('PeftGeluTanhGrad', [0, 1]),
  PeftSilu: element('PeftSilu', [0]),
  PeftSiluGrad: element('PeftSiluGrad', [0, 1]),

  Add: binary('Add'),
  Equal: binary('Equal'),
  FloorDiv: binary('FloorDiv'),
  Greater: binary('Greater'),
  GreaterEqual: binary('GreaterEqual'),
  Less: binary('Less'),
  LessEqual: binary('LessEqual'),
  LogicalAnd: binary('LogicalAnd'),
  LogicalOr: binary('LogicalOr'),
  Maximum: binary('Maximum'),
  Minimum: binary('Minimum'),
  Mod: binary('Mod'),
  Multiply: binary('Multiply'),
  NotEqual: binary('NotEqual'),
  Pow: binary('Pow'),
  RealDiv: binary('RealDiv'),
  SquaredDifference: binary('SquaredDifference'),
  Sub: binary('Sub'),

  Select: element('Select', [0, 1, 2]),
  Fill: element('Fill', []),
  OnesLike: { ...element('OnesLike', []), unread: [0] },
  ZerosLike: { ...element('ZerosLike', []), unread: [0] },

  Range: {
    lower: ({ attributes: { start, step, dtype }, outputs: [output], emit }) => {
      const y = output as Operand;
      const [whole, real] =
        dtype === 'float32'
          ? [
              [0, 0],
              [start, step],
            ]
          : [
              [start, step],
              [0, 0],
            ];
      emit.kernel({
        kernel: { file: 'element', name: 'elementRange' },
        ...elementLaunch(y.shape[0] as number, emit.device),
        arguments: [
          writes(y),
          i64(y.shape[0] as number),
          storageTag(y),
          ...(real as number[]).map(f32),
          ...(whole as number[]).map(i32),
        ],
      });
    },
  },

  AddN: {
    inPlace: [0],
    lower: ({ inputs, outputs: [output], emit }) => addAll(inputs, output as Operand, emit),
  },

  PeftDropout: {
    inPlace: [0],
    lower: ({ inputs: [x, key], attributes: { rate }, outputs: [y, mask], emit }: LoweringCall<{ rate: number }>) => {
      const operands = [x, y, mask] as Operand[];
      const count = sizeOf((x as Operand).shape);
      emit.kernel({
        kernel: { file: 'elementDropout', name: 'elementDropout' },
        ...elementLaunch(packsOf(1, count), emit.device),
        arguments: [
          reads(x as Operand),
          reads(key as Operand),
          writes(y as Operand),
          writes(mask as Operand),
          i64(count),
          u32(dropoutThreshold(rate)),
          f32(1 / (1 - rate)),
          ...operands.map(storageTag),
        ],
      });
    },
  },
} satisfies Partial<CudaRows<OpName>>;

/** The rate in steps of 2^-24, rounded up: what the upper bits of the hash are compared with. */
export function dropoutThreshold(rate: number): number {
  return Math.ceil(rate * 0x1000000);
}

interface ElementEmit extends Omit<NonNullable<ReturnType<typeof elementCall>>, 'operands'> {
  readonly operands: readonly Operand[];
  readonly output: Operand;
  readonly emit: Emitter;
}

const outerAxes = 5;

/** One launch of the kernel that knows every operation. */
function emitElement({ name, operands, attributes, output, emit }: ElementEmit): void {
  if (name === 'Fill' && Object.is(attributes[0], 0)) {
    emit.clear(output);
    return;
  }
  const axes = broadcastAxes(
    output.shape,
    operands.map(({ shape }) => shape),
  );
  const inner = axes.at(-1);
  const width = inner?.length ?? 1;
  const outer = axes.slice(0, -1);
  const rows = outer.reduce((count, { length }) => count * length, 1);
  const isFloat = output.dtype === 'float32';
  const [s = 0, t = 0] = attributes;
  const padded = (list: readonly number[]) => [...list, ...new Array<number>(outerAxes - list.length).fill(0)];
  emit.kernel({
    kernel: { file: 'element', name: kernelOf(operands, output) },
    ...elementLaunch(packsOf(rows, width), emit.device),
    arguments: [
      ...[0, 1, 2].flatMap((place): Argument[] => {
        const operand = operands[place];
        return [
          operand ? reads(operand) : nothing,
          ...padded(operand ? outer.map(({ steps }) => steps[place] as number) : []).map(i64),
          i32(operand ? (inner?.steps[place] ?? 0) : 0),
          i32(operand ? storageTags[operand.storage] : 0),
        ];
      }),
      writes(output),
      i64(rows),
      i64(width),
      i32(outer.length),
      ...padded(outer.map(({ length }) => length)).map(u32),
      i32(elementNumbers[name]),
      storageTag(output),
      f32(isFloat ? s : 0),
      f32(isFloat ? t : 0),
      i32(isFloat ? 0 : s),
    ],
  });
}

/** The kernel for floats or integers in and out. */
function kernelOf(operands: readonly Operand[], output: Operand): string {
  const isFloat = operands.length > 0 ? operands.at(-1)?.dtype === 'float32' : output.dtype === 'float32';
  if (output.dtype === 'float32') return isFloat ? 'elementFloat' : 'elementWiden';
  return isFloat ? 'elementQuestion' : 'elementInteger';
}

const mostTerms = 64;

/** The sum of operands of one shape, 64 a launch; what a launch begins with is kept in f32. */
function addAll(terms: readonly Operand[], output: Operand, emit: Emitter): void {
  if (terms.length > mostTerms) {
    const rest = terms.slice(mostTerms);
    const sum = emit.scratch(output.shape, output.dtype === 'float32' ? 'f32' : 'i32');
    addAll(terms.slice(0, mostTerms), sum, emit);
    addAll([sum, ...rest], output, emit);
    return;
  }
  const missing = mostTerms - terms.length;
  const count = sizeOf(output.shape);
  emit.kernel({
    kernel: { file: 'elementSum', name: output.dtype === 'float32' ? 'elementSum' : 'elementSumInteger' },
    ...elementLaunch(packsOf(1, count), emit.device),
    arguments: [
      ...terms.map(reads),
      ...new Array<Argument>(missing).fill(nothing),
      writes(output),
      i64(count),
      i32(terms.length),
      storageTag(output),
      ...terms.map(storageTag),
      ...new Array<Argument>(missing).fill(i32(0)),
    ],
  });
}
