/** Steps that one text may still take. One budget may serve several expressions that are tried on the same text. */
export type StepBudget = { left: number };

/** Enough for thousands of keys on any module's path, and a few milliseconds. */
export const stepsForText = 100_000;

export function stepBudget(): StepBudget {
  return { left: stepsForText };
}
