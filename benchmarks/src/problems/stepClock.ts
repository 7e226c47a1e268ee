import { type AnyModel, type AnyStrategy, adamw, type DataSource, fineTune, type Run } from '@peft/core';
import { squaredError } from './squaredError.ts';

/** Wall and processor time of some steps, in seconds. */
export type StepTimes = { readonly wall: readonly number[]; readonly processor: number };

export type Contender = {
  readonly model: AnyModel;
  readonly strategy: AnyStrategy;
  readonly data: DataSource;
  /** Length of the life; its end is never reached. */
  readonly totalSteps: number;
};

/** A run that rests until it is asked for some steps, so that contenders can take turns. */
export class StepClock {
  readonly #run: Run;
  #seconds: number[] = [];
  #wanted = 0;
  #rest: () => void = () => {};

  constructor({ model, strategy, data, totalSteps }: Contender) {
    this.#run = fineTune(model, {
      strategy,
      targets: 'all-linear',
      loss: squaredError,
      data,
      steps: totalSteps,
      optimizer: adamw(),
      schedule: 1e-3,
      progress: false,
      keepLinks: false,
      onEvent: (event) => {
        if (event.type === 'pause') this.#rest();
        if (event.type !== 'step') return;
        this.#seconds.push(event.seconds);
        if (this.#seconds.length === this.#wanted) this.#pause();
      },
    });
  }

  /** Resolves when the run is ready and rests before its first step. */
  async ready(): Promise<void> {
    await this.#run.pause();
  }

  async take(steps: number): Promise<StepTimes> {
    this.#seconds = [];
    this.#wanted = steps;
    const rested = new Promise<void>((resolve) => {
      this.#rest = resolve;
    });
    const before = process.cpuUsage();
    this.#run.resume();
    await rested;
    const { user, system } = process.cpuUsage(before);
    return { wall: this.#seconds, processor: (user + system) / 1e6 };
  }

  async end(): Promise<void> {
    this.#run.stop();
    (await this.#run.result).dispose();
  }

  #pause(): void {
    // Resolves once the run rests, which the pause event tells as well; a failure is told by `result`.
    this.#run.pause().catch(() => undefined);
  }
}
