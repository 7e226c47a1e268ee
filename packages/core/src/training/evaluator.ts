import type { Program } from '../engine.ts';
import type { Clock } from '../strategy.ts';
import { decidingValue, improves } from './bestKeeper.ts';
import { type Evaluation, evaluateWith } from './evaluate.ts';
import type { TrainEvent } from './events.ts';
import type { FineTuneOptions } from './fineTune.ts';
import { readSnapshot } from './hostSnapshot.ts';
import type { RunPlan } from './planRun.ts';
import { paramsOf, type StepPlan, type StepState } from './stepPlan.ts';
import type { TrainingState } from './trainingState.ts';

export type EvaluatorCall = {
  readonly clock: Clock;
  readonly program: Program<'evaluate'>;
  readonly stepPlan: StepPlan;
  /** Links finished so far, which a best state goes back to. */
  readonly finishedCount: number;
};

/** Measures a run on its evaluation data, keeps the best state and says when to stop early. */
export class Evaluator {
  readonly #options: FineTuneOptions;
  readonly #plan: RunPlan;
  #best: TrainingState['best'];
  #last: Evaluation | undefined;
  #isPatienceOver = false;

  constructor(plan: RunPlan, options: FineTuneOptions) {
    this.#plan = plan;
    this.#options = options;
  }

  get best(): TrainingState['best'] {
    return this.#best;
  }

  get last(): Evaluation | undefined {
    return this.#last;
  }

  get isPatienceOver(): boolean {
    return this.#isPatienceOver;
  }

  /** Continues from what a save knows of evaluations. */
  restore({ best, evaluation }: Pick<TrainingState, 'best' | 'evaluation'>): void {
    this.#best = best;
    this.#last = evaluation;
    this.#isPatienceOver = this.#isOver();
  }

  isDue({ step, totalSteps }: Clock): boolean {
    return this.#options.evaluation !== undefined && (step % this.#plan.evaluateEvery === 0 || step === totalSteps);
  }

  /** Evaluates the program's state. */
  async evaluate({ clock, program, stepPlan, finishedCount }: EvaluatorCall): Promise<TrainEvent | undefined> {
    const { evaluation, earlyStopping } = this.#options;
    if (!evaluation) return undefined;
    const result = await evaluateWith(program, stepPlan, evaluation.data);
    const state = (await program.state()) as StepState;
    this.#last = result;
    const value = decidingValue(result, evaluation);
    const isSettled = this.#plan.strategy.isSettled?.(state.strategy, clock) ?? true;
    const isBest = isSettled && improves(value, this.#best, { ...evaluation, ...earlyStopping });
    if (isBest) {
      const tensors = this.#plan.keepBest
        ? await readSnapshot({ ...paramsOf(state), strategy: state.strategy })
        : undefined;
      this.#best = { step: clock.step, value, evaluation: result, stale: 0, tensors, finishedCount };
    } else if (this.#best && isSettled) {
      this.#best = { ...this.#best, stale: this.#best.stale + 1 };
      this.#isPatienceOver = this.#isOver();
    }
    return { type: 'evaluation', step: clock.step, ...result, isBest };
  }

  #isOver(): boolean {
    const { earlyStopping } = this.#options;
    return earlyStopping !== undefined && this.#best !== undefined && this.#best.stale >= earlyStopping.patience;
  }
}
