import { type HostArray, type HostInputs, sizeOf } from '@peft/core';
import type { DType, InputTypes, TypedArray } from '@peft/graph';
import { CompilerError } from './compilerError.ts';

/** One input of a run: shape, dtype and values as a tensor would have them. */
export interface HostLeaf {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: TypedArray;
}

/** The inputs of a run by path; a number is a 0-d float32. @throws CompilerError `compiler/input` for values no tensor holds */
export function hostLeaves(inputs: HostInputs): ReadonlyMap<string, HostLeaf> {
  const leaves = new Map<string, HostLeaf>();
  const visit = (level: HostInputs, prefix: string): void => {
    for (const [key, entry] of Object.entries(level)) {
      const path = `${prefix}${key}`;
      if (typeof entry === 'number') leaves.set(path, { shape: [], dtype: 'float32', data: Float32Array.of(entry) });
      else if (isHostArray(entry)) leaves.set(path, hostLeaf(path, entry));
      else visit(entry, `${path}/`);
    }
  };
  visit(inputs, '');
  return leaves;
}

/** Shape and dtype of each of these inputs, whose leaves they are, nested as the inputs are. */
export function inputTypes(inputs: HostInputs, leaves: ReadonlyMap<string, HostLeaf>): InputTypes {
  const visit = (level: HostInputs, prefix: string): InputTypes =>
    Object.fromEntries(
      Object.entries(level).map(([key, entry]) => {
        const path = `${prefix}${key}`;
        if (typeof entry !== 'number' && !isHostArray(entry)) return [key, visit(entry, `${path}/`)];
        const { shape, dtype } = leaves.get(path) as HostLeaf;
        return [key, { shape, dtype }];
      }),
    );
  return visit(inputs, '');
}

export function isHostArray(entry: HostArray | HostInputs): entry is HostArray {
  return ArrayBuffer.isView((entry as HostArray).data);
}

/** One input as a tensor would hold it: the array itself wherever one can. @throws CompilerError `compiler/input` */
export function hostLeaf(path: string, { dtype, shape, data }: HostArray): HostLeaf {
  const size = sizeOf(shape);
  if (data.length !== size) {
    throw new CompilerError(
      'compiler/input',
      `input "${path}" holds ${data.length} values, and its shape [${shape}] has ${size}; pass the shape of the data.`,
    );
  }
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return { shape, dtype, data: data as TypedArray };
  if (dtype === 'float64') return { shape, dtype: 'float32', data: Float32Array.from(data as Float64Array) };
  if (dtype.includes('float')) {
    throw new CompilerError(
      'compiler/input',
      `input "${path}" is ${dtype}; hand inputs over as float32, integers or bool.`,
    );
  }
  const values = Int32Array.from(data as ArrayLike<number | bigint>, (value) => {
    if (value >= -2147483648 && value <= 2147483647) return Number(value);
    throw new CompilerError(
      'compiler/input',
      `input "${path}" holds ${value}, which does not fit int32; scale or re-index it.`,
    );
  });
  return { shape, dtype: 'int32', data: values };
}
