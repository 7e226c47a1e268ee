import { type AnyModel, type FineTuneOptions, fineTune, type Run, type TrainEvent } from '@peft/core';

/** Wall and processor time of some steps, in seconds. */
export type StepTimes = { readonly wall: readonly number[]; readonly processor: number };

/** A run that rests until it is asked for some steps, so that contenders can take turns. */
export class StepClock {
  readonly #run: Run;
  #seconds: number[] = [];
  #loss = Number.NaN;
  #trainable = 0;
  #wanted = 0;
  #rest: () => void = () => {};

  constructor(model: AnyModel, options: Omit<FineTuneOptions, 'onEvent' | 'progress'>) {
    this.#run = fineTune(model, { ...options, progress: false, onEvent: (event) => this.#hear(event) });
  }

  /** Resolves when the run is ready and rests before its first step. */
  async ready(): Promise<void> {
    await this.#orFailure(this.#run.pause());
  }

  async take(steps: number): Promise<StepTimes> {
    this.#seconds = [];
    this.#wanted = steps;
    const rested = new Promise<void>((resolve) => {
      this.#rest = resolve;
    });
    const before = process.cpuUsage();
    this.#run.resume();
    await this.#orFailure(rested);
    const { user, system } = process.cpuUsage(before);
    return { wall: this.#seconds, processor: (user + system) / 1e6 };
  }

  /** Loss of the last step taken. */
  get loss(): number {
    return this.#loss;
  }

  /** Values that the run trains. */
  get trainable(): number {
    return this.#trainable;
  }

  async end(): Promise<void> {
    this.#run.stop();
    (await this.#run.result).dispose();
  }

  #hear(event: TrainEvent): void {
    if (event.type === 'pause') this.#rest();
    if (event.type === 'start') this.#trainable = event.trainable;
    if (event.type !== 'step') return;
    this.#loss = event.loss;
    this.#seconds.push(event.seconds);
    // Resolves once the run rests, which the pause event tells as well; a failure is told by `result`.
    if (this.#seconds.length === this.#wanted) this.#run.pause().catch(() => undefined);
  }

  /** What is awaited, or the error that ended the run before it came. */
  async #orFailure(awaited: Promise<void>): Promise<void> {
    await Promise.race([awaited, this.#run.result.then(() => awaited)]);
  }
}
