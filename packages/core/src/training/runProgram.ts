import * as tf from '@tensorflow/tfjs';
import type { Engine, Program } from '../engine.ts';
import type { ParameterGroup } from '../optimizers/parameterGroup.ts';
import type { Clock } from '../strategy.ts';
import type { Target } from '../target.ts';
import { disposeUnless } from '../tree.ts';
import { type Lane, type LaneCall, lanesOf, type Starts } from './lanes.ts';
import { completeSlots, openSlots, type SlotBook, slotTree } from './slotBook.ts';
import { noSums, type StepFunctions, stepFunctions } from './stepFunctions.ts';
import { paramsOf, type StepPlan, type StepState } from './stepPlan.ts';

/** A state between steps, when no gradients are summed. */
export type RestState = Omit<StepState, 'sums'>;

/** What the program of a run is compiled from. */
export type ProgramSource = {
  readonly engine: Engine;
  readonly plan: Omit<StepPlan, 'lanes'>;
  readonly groups: readonly ParameterGroup[];
  /** By path. */
  readonly targets: ReadonlyMap<string, Target>;
  readonly isAccumulating: boolean;
};

/**
 * The program of a run, which owns the run's state, and what its compilation depends on: which leaves there are, and
 * which of them share a lane.
 */
export class RunProgram {
  readonly #source: ProgramSource;
  #program: Program<keyof StepFunctions> | undefined;
  #lanes: ReadonlyMap<string, Lane> = new Map();
  #starts: Starts = new Map();

  constructor(source: ProgramSource) {
    this.#source = source;
  }

  /** Whether a state was taken over and not given up. */
  get isBound(): boolean {
    return this.#program !== undefined;
  }

  /** For every leaf, the step at which its moments began. */
  get starts(): Starts {
    return this.#starts;
  }

  /** The lanes of the leaves. */
  get lanes(): Iterable<Lane> {
    return this.#lanes.values();
  }

  get stepPlan(): StepPlan {
    return { ...this.#source.plan, lanes: this.#lanes };
  }

  /** The compiled functions as they are. */
  get functions(): Program<keyof StepFunctions> {
    return this.#program as Program<keyof StepFunctions>;
  }

  /** Goes on from the starts of a save. */
  restore(starts: Starts): void {
    this.#starts = starts;
  }

  /** The optimizer slots of a state, with when they began. */
  openBook({ slots }: RestState): SlotBook {
    return openSlots(slots, this.#starts);
  }

  /** A state with the slots of a book, and new ones, which begin after `step`, for leaves that have none. */
  withSlots(state: Omit<RestState, 'slots'>, book: SlotBook, step: number): RestState {
    const { optimizer } = this.#source.plan;
    const complete = completeSlots(book, paramsOf(state), { optimizer, step });
    this.#starts = complete.starts;
    return { ...state, slots: slotTree(complete) };
  }

  /** What the inputs of the step at this clock follow from. */
  async callAt(clock: Clock): Promise<LaneCall> {
    return this.#callOf(await this.state(), clock);
  }

  /** The functions for this step; compiled again when leaves no longer share their lanes as before. */
  async functionsAt(call: LaneCall): Promise<Program<keyof StepFunctions>> {
    const lanes = lanesOf([...this.#starts.keys()], this.#starts, call);
    const isSame =
      [...lanes].every(([leaf, { id }]) => this.#lanes.get(leaf)?.id === id) && lanes.size === this.#lanes.size;
    if (!isSame) await this.compile(await this.state(), call.clock);
    return this.functions;
  }

  /** Takes over a state, whose next update is at this clock. */
  async compile(state: RestState, clock: Clock): Promise<void> {
    const { engine, plan, isAccumulating } = this.#source;
    this.#lanes = lanesOf([...this.#starts.keys()], this.#starts, this.#callOf(state, clock));
    const program = await engine.compile(stepFunctions(this.stepPlan), plan.weights);
    const sums = isAccumulating ? tf.tidy(() => noSums(paramsOf(state))) : {};
    const next: StepState = { ...atRest(state), sums };
    if (this.#program) disposeUnless(await this.release(), next);
    this.dispose();
    await program.bind(next);
    this.#program = program;
  }

  /** Takes over a state of the same leaves. */
  async bind(state: StepState): Promise<void> {
    await this.#program?.bind(state);
  }

  /** The state, whose tensors stay the program's. */
  async state(): Promise<StepState> {
    return (await this.functions.state()) as StepState;
  }

  /** Gives the state up without freeing it. */
  async release(): Promise<StepState> {
    return (await this.functions.release()) as StepState;
  }

  dispose(): void {
    this.#program?.dispose();
    this.#program = undefined;
  }

  #callOf(state: RestState, clock: Clock): LaneCall {
    const { plan, groups, targets } = this.#source;
    return { strategy: plan.strategy, state: state.strategy, clock, groups, targets };
  }
}

/** What of a state outlives a step. */
export function atRest({ adapter, trained, tokenRows, strategy, slots }: RestState): RestState {
  return { adapter, trained, tokenRows, strategy, slots };
}
