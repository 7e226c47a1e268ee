import { type HostArray, toFloat32 } from '@peft/core';
import { expect, test } from 'vitest';
import { gpuContests, smallContests } from '../cuda/gpuContests.ts';
import { stepOptions } from '../step/stepOptions.ts';
import { contestModel } from './contestModel.ts';

test('weights stored as bfloat16 are those of float32, rounded, in half the bytes', () => {
  const { assignment } = stepOptions('--model llama-tiny --batch 2 --seq 16'.split(' '));
  const wide = contestModel(assignment).model.weights;
  const narrow = contestModel({ ...assignment, weightStorage: 'bfloat16' }).model.weights;
  expect(narrow.paths).toEqual(wide.paths);
  for (const path of wide.paths) {
    const [exact, rounded]: readonly HostArray[] = [wide.get(path), narrow.get(path)];
    expect([path, rounded?.dtype, rounded?.shape]).toEqual([path, 'bfloat16', exact?.shape]);
    expect([path, exact?.dtype]).toEqual([path, 'float32']);
    expect(2 * (rounded?.data.byteLength ?? 0)).toBe(exact?.data.byteLength);
    const values = toFloat32(exact as HostArray);
    const distances = toFloat32(rounded as HostArray).map((value, index) => {
      const near = values[index] as number;
      return near === 0 ? Math.abs(value) : Math.abs(value / near - 1);
    });
    // Eight bits of a number are kept.
    expect(distances.reduce((most, distance) => Math.max(most, distance), 0)).toBeLessThanOrEqual(2 ** -8);
  }
  const norms = wide.paths.filter((path) => /norm.*weight$/.test(path));
  expect(norms.length).toBeGreaterThan(0);
  for (const path of norms) expect(new Set(toFloat32(narrow.get(path)))).toEqual(new Set([1]));
});

test('GPU contests store their weights as bfloat16', () => {
  const storages = [...gpuContests, ...smallContests].map(({ assignment }) => assignment.weightStorage);
  expect(new Set(storages)).toEqual(new Set(['bfloat16']));
});
