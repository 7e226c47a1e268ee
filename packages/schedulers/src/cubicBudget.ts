import { checkClock } from './checkClock.ts';
import { numberProblem } from './numberProblem.ts';
import { refuseOptions } from './refuseOptions.ts';
import { ScheduleError } from './scheduleError.ts';

/** Ranks allowed in all at update number `step`; the first update is number 1. */
export type Budget = (step: number, totalSteps: number) => number;

export interface CubicBudgetOptions {
  /** Ranks in all while warming up. */
  readonly initialBudget: number;
  /** Ranks in all at the end, at most `initialBudget`. */
  readonly targetBudget: number;
  /** Updates at the start that keep the initial budget. */
  readonly warmupSteps: number;
  /** Updates at the end that keep the target budget. */
  readonly finalSteps: number;
}

/**
 * AdaLoRA's rank budget (arXiv 2303.10512): constant, then falling by a cubic, then constant; a whole number, cut off
 * exactly as Python PEFT does. Throws `schedule/options` for budgets or steps that are not counts or a budget that
 * rises, and `schedule/span` when warm-up and final phase leave no step between them.
 */
export function cubicBudget({ initialBudget, targetBudget, warmupSteps, finalSteps }: CubicBudgetOptions): Budget {
  refuseOptions('cubicBudget', [
    numberProblem('initialBudget', initialBudget, { whole: true, least: 1 }),
    numberProblem('targetBudget', targetBudget, { whole: true, least: 0 }),
    targetBudget > initialBudget &&
      `targetBudget ${targetBudget} is above initialBudget ${initialBudget}; a budget can only fall`,
    numberProblem('warmupSteps', warmupSteps, { whole: true, least: 0 }),
    numberProblem('finalSteps', finalSteps, { whole: true, least: 0 }),
  ]);
  return (step, totalSteps) => {
    checkClock('cubicBudget', step, totalSteps);
    const falling = totalSteps - finalSteps - warmupSteps;
    if (falling <= 0) {
      throw new ScheduleError(
        'schedule/span',
        `cubicBudget: warmupSteps ${warmupSteps} and finalSteps ${finalSteps} leave no step of a run of ${totalSteps} ` +
          'for the budget to fall; shorten them or train longer.',
      );
    }
    if (step <= warmupSteps) return initialBudget;
    if (step > totalSteps - finalSteps) return targetBudget;
    const remaining = 1 - (step - warmupSteps) / falling;
    return Math.trunc((initialBudget - targetBudget) * cube(remaining) + targetBudget);
  };
}

/** The double nearest to x cubed. JavaScript leaves `**` to the engine, and a last bit decides where to cut off. */
function cube(x: number): number {
  const square = product(x, x);
  const whole = product(square.high, x);
  return whole.high + (whole.low + square.low * x);
}

/** x times y without rounding, as the sum of two doubles (Dekker). */
function product(x: number, y: number): { readonly high: number; readonly low: number } {
  const high = x * y;
  const [xHigh, xLow] = halves(x);
  const [yHigh, yLow] = halves(y);
  return { high, low: xLow * yLow - (high - xHigh * yHigh - xLow * yHigh - xHigh * yLow) };
}

/** x as the sum of two doubles of 26 significant bits (Veltkamp). */
function halves(x: number): readonly [number, number] {
  const scaled = 134_217_729 * x;
  const high = scaled - (scaled - x);
  return [high, x - high];
}
