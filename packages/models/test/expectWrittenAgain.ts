import type { HostArray } from '@peft/core';
import { expectParity } from '@peft/parity';
import { expect } from 'vitest';

type Tensors = ReadonlyMap<string, HostArray>;

/** Every tensor of a file of PEFT's, bit for bit, and no other. */
export function expectWrittenAgain(mine: Tensors | undefined, theirs: Iterable<readonly [string, HostArray]>): void {
  const expected = new Map(theirs);
  expect(mine).toEqual(expected);
  for (const [key, { data }] of expected) {
    expectParity('adapter folders of PEFT, written again: tensors', {
      actual: (mine?.get(key)?.data ?? []) as Float32Array,
      expected: data as Float32Array,
      tolerance: 0,
      by: 'equal',
    });
  }
}
