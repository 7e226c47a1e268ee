import { hostArray } from '@peft/core';
import { describe, expect, it } from 'vitest';
import { CompilerError } from './compilerError.ts';
import { hostLeaves, inputTypes } from './hostLeaves.ts';
import { typesKey } from './typesKey.ts';

describe('the inputs of a run', () => {
  const inputs = {
    rate: 0.5,
    batch: {
      ids: { dtype: 'int64', shape: [2], data: BigInt64Array.of(-3n, 7n) },
      mask: { dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) },
      deep: { x: hostArray([1, 2], [2, 1]), wide: { dtype: 'float64', shape: [1], data: Float64Array.of(0.1) } },
    },
  } as const;

  it('are leaves by path, as tensors would hold them', () => {
    expect([...hostLeaves(inputs)]).toEqual([
      ['rate', { shape: [], dtype: 'float32', data: Float32Array.of(0.5) }],
      ['batch/ids', { shape: [2], dtype: 'int32', data: Int32Array.of(-3, 7) }],
      ['batch/mask', { shape: [2], dtype: 'bool', data: Uint8Array.of(1, 0) }],
      ['batch/deep/x', { shape: [2, 1], dtype: 'float32', data: Float32Array.of(1, 2) }],
      ['batch/deep/wide', { shape: [1], dtype: 'float32', data: Float32Array.of(0.1) }],
    ]);
    // What a tensor would hold as it is, is not copied.
    expect(hostLeaves(inputs).get('batch/deep/x')?.data).toBe(inputs.batch.deep.x.data);
  });

  it('have types nested as they are, and a key that tells types and paths apart', () => {
    const leaves = hostLeaves(inputs);
    expect(inputTypes(inputs, leaves)).toEqual({
      rate: { shape: [], dtype: 'float32' },
      batch: {
        ids: { shape: [2], dtype: 'int32' },
        mask: { shape: [2], dtype: 'bool' },
        deep: { x: { shape: [2, 1], dtype: 'float32' }, wide: { shape: [1], dtype: 'float32' } },
      },
    });
    expect(typesKey(leaves)).toBe(
      'rate:float32[] batch/ids:int32[2] batch/mask:bool[2] batch/deep/x:float32[2,1] batch/deep/wide:float32[1]',
    );
  });

  it('are refused where no tensor holds them', () => {
    const large = { dtype: 'int64', shape: [], data: BigInt64Array.of(1n << 40n) } as const;
    expect(() => hostLeaves({ by: large })).toThrow(
      new CompilerError(
        'compiler/input',
        'input "by" holds 1099511627776, which does not fit int32; scale or re-index it.',
      ),
    );
    const short = { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 2, 3) } as const;
    expect(() => hostLeaves({ batch: { x: short } })).toThrow(
      new CompilerError(
        'compiler/input',
        'input "batch/x" holds 3 values, and its shape [2,2] has 4; pass the shape of the data.',
      ),
    );
    const narrow = { dtype: 'bfloat16', shape: [], data: Uint16Array.of(0) } as const;
    expect(() => hostLeaves({ batch: { by: narrow } })).toThrow(
      new CompilerError(
        'compiler/input',
        'input "batch/by" is bfloat16; hand inputs over as float32, integers or bool.',
      ),
    );
  });
});
