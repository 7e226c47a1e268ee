import type { TypedArray } from '@peft/graph';
import { OnnxError } from './onnxError.ts';
import type { Port } from './runtime.ts';

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** @throws OnnxError `onnx/arrays` with one line for each array that is missing, of another kind or of another length. */
export function checkArrays(what: string, ports: readonly Port[], given: readonly TypedArray[]): void {
  const problems = ports.flatMap(({ onnxName, shape, dtype }, index) => {
    const array = given[index];
    const length = shape.reduce((size, each) => size * each, 1);
    if (array instanceof arrays[dtype] && array.length === length) return [];
    const found = array === undefined ? 'nothing' : `${array.constructor.name} of ${array.length}`;
    return [`"${onnxName}" (${dtype}[${shape}]) is ${found}, not ${arrays[dtype].name} of ${length}`];
  });
  if (given.length > ports.length) problems.push(`${given.length} arrays for ${ports.length} ${what}s`);
  if (problems.length === 0) return;
  throw new OnnxError(
    'onnx/arrays',
    `the arrays do not fit the model's ${what}s; pass one an ${what}, in their order:\n  ${problems.join('\n  ')}`,
  );
}
