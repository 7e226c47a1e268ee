import type { OnnxWriter } from '../onnx/onnxWriter.ts';
import { binary } from './elementwise.ts';
import type { None, OpRow } from './opRow.ts';

const comparison = { dtype: 'bool' } as const;
const anyComparison = { dtype: 'bool', of: ['float32', 'int32', 'bool'] } as const;
const logical = { of: ['bool'] } as const;

/** The quotient rounded down; ONNX rounds integers towards zero. */
function floorOfQuotient(write: OnnxWriter, [a, b]: readonly string[], isInteger: boolean): string {
  if (!isInteger) return write.node('Floor', [write.node('Div', [a as string, b as string])]);
  const wide = (x: string | undefined) => write.node('Cast', [x as string], { to: 11 });
  return write.node('Cast', [write.node('Floor', [write.node('Div', [wide(a), wide(b)])])], { to: 6 });
}

export const binaryRows = {
  Add: binary((a, b) => a + b, 'Add'),
  Equal: binary((a, b) => Number(a === b), 'Equal', anyComparison),
  FloorDiv: binary(
    (a, b) => Math.floor(a / b),
    (write, inputs, { types }) => floorOfQuotient(write, inputs, types[0]?.dtype === 'int32'),
  ),
  Greater: binary((a, b) => Number(a > b), 'Greater', comparison),
  GreaterEqual: binary((a, b) => Number(a >= b), 'GreaterOrEqual', comparison),
  Less: binary((a, b) => Number(a < b), 'Less', comparison),
  LessEqual: binary((a, b) => Number(a <= b), 'LessOrEqual', comparison),
  LogicalAnd: binary((a, b) => a & b, 'And', logical),
  LogicalOr: binary((a, b) => a | b, 'Or', logical),
  Maximum: binary(Math.max, 'Max'),
  Minimum: binary(Math.min, 'Min'),
  Mod: binary(
    (a, b) => a - b * Math.floor(a / b),
    (write, [a, b], { types }) => {
      const whole = floorOfQuotient(write, [a as string, b as string], types[0]?.dtype === 'int32');
      return write.node('Sub', [a as string, write.node('Mul', [b as string, whole])]);
    },
  ),
  Multiply: binary((a, b) => a * b, 'Mul'),
  NotEqual: binary(
    (a, b) => Number(a !== b),
    (write, inputs) => write.node('Not', [write.node('Equal', inputs)]),
    anyComparison,
  ),
  Pow: binary((a, b) => a ** b, 'Pow'),
  RealDiv: binary((a, b) => a / b, 'Div', { of: ['float32'] }),
  SquaredDifference: binary(
    (a, b) => (a - b) ** 2,
    (write, inputs) => {
      const difference = write.node('Sub', inputs);
      return write.node('Mul', [difference, difference]);
    },
  ),
  Sub: binary((a, b) => a - b, 'Sub'),
} satisfies Record<string, OpRow<None>>;
