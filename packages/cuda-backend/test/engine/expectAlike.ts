import { expect } from 'vitest';

/** Records, lists and arrays of the same structure, whose numbers differ by rounding at most. */
export function expectAlike(found: unknown, expected: unknown, tolerance = 1e-5): void {
  if (typeof expected === 'number') {
    if (!Number.isFinite(expected)) expect(found).toBe(expected);
    else expect(Math.abs(Number(found) - expected)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(expected)));
    return;
  }
  if (typeof expected !== 'object' || expected === null) {
    expect(found).toEqual(expected);
    return;
  }
  expect(Object.keys(found as object).sort()).toEqual(Object.keys(expected).sort());
  for (const [key, each] of Object.entries(expected)) {
    expectAlike((found as Readonly<Record<string, unknown>>)[key], each, tolerance);
  }
}
