/**
 * A learning rate as a pure function of the step: `step` is the number of optimizer steps already completed in this
 * life (0 for the first update), `totalSteps` the length of that life, and the result is the rate that update number
 * `step + 1` uses. Any function of this type works wherever a schedule is asked for.
 */
export type Schedule = (step: number, totalSteps: number) => number;
