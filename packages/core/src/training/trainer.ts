import * as tf from '@tensorflow/tfjs';
import { eagerEngine } from '../eagerEngine.ts';
import type { Effect } from '../effect.ts';
import type { Engine } from '../engine.ts';
import { type FinishedLink, finishLink, replayLinks } from '../finishedLink.ts';
import { sizeOf, toTensor } from '../hostArray.ts';
import type { AnyModel } from '../model.ts';
import { requireMatched } from '../optimizers/parameterGroup.ts';
import type { AnyAdapter, Clock, Context, Step } from '../strategy.ts';
import type { Target } from '../target.ts';
import { withRows } from '../tokenRows.ts';
import { disposeAdapter, type TrainedAdapter } from '../trainedAdapter.ts';
import { disposeUnless, leavesOf } from '../tree.ts';
import type { Weights } from '../weights.ts';
import { BatchReader, type DataPosition } from './batchReader.ts';
import { blameState } from './blameState.ts';
import { checkRestored } from './checkRestored.ts';
import { nonFiniteError } from './diagnose.ts';
import { effectEvent } from './effectEvent.ts';
import { Evaluator } from './evaluator.ts';
import type { TrainEvent } from './events.ts';
import { fileConfigOf } from './fileConfigOf.ts';
import type { FineTuneOptions, RunResult, StopReason } from './fineTune.ts';
import { freshRows } from './freshRows.ts';
import { readSnapshot, uploadSnapshot } from './hostSnapshot.ts';
import { MergesAhead } from './mergesAhead.ts';
import { planRun, type RunPlan } from './planRun.ts';
import { refuseTiedMerges } from './refuseTiedMerges.ts';
import { requireState } from './requireState.ts';
import { atRest, type RestState, RunProgram } from './runProgram.ts';
import { runSettings } from './runSettings.ts';
import { saveState } from './saveState.ts';
import { restartSlots, selectSlots } from './slotBook.ts';
import { startFrom } from './startFrom.ts';
import { stepInputs } from './stepInputs.ts';
import { paramsOf, type StepState } from './stepPlan.ts';
import { takeStep } from './takeStep.ts';
import { trainedAdapterOf } from './trainedAdapterOf.ts';
import { checkResume, type RunIdentity, type TrainingState, trainingStateVersion } from './trainingState.ts';

type Emit = (event: TrainEvent) => void;

/** The one mutable thing of a run: it owns weights, programs, clock and data position, and carries out effects. */
export class Trainer {
  readonly #model: AnyModel;
  readonly #options: FineTuneOptions;
  readonly #plan: RunPlan;
  readonly #engine: Engine;
  readonly #weights: Weights;
  readonly #targets: ReadonlyMap<string, Target>;
  readonly #evaluator: Evaluator;
  readonly #program: RunProgram;
  #reader: BatchReader;
  #step = 0;
  /** The newest step whose state was handed to the store, or that the run began at. */
  #savedStep = 0;
  #identity: RunIdentity | undefined;
  #finished: readonly FinishedLink[] = [];
  #position: DataPosition = { epoch: 0, batch: 0 };
  #isBetweenSteps = true;

  constructor(model: AnyModel, options: FineTuneOptions) {
    this.#model = model;
    this.#options = options;
    this.#plan = planRun(model, options);
    this.#engine = options.engine ?? eagerEngine();
    this.#weights = model.weights.fork();
    this.#evaluator = new Evaluator(this.#plan, options);
    this.#targets = new Map(this.#plan.targets.map((target) => [target.path, target]));
    this.#reader = new BatchReader(options.data, this.#plan.seed);
    const { strategy, targets, tokenTables, groups, accumulate } = this.#plan;
    const { loss, optimizer, maxGradientNorm } = options;
    const weights = this.#weights;
    this.#program = new RunProgram({
      engine: this.#engine,
      plan: { model, weights, strategy, targets, tokenTables, loss, optimizer, maxGradientNorm },
      groups,
      targets: this.#targets,
      isAccumulating: accumulate > 1,
    });
  }

  get targets(): readonly Target[] {
    return this.#plan.targets;
  }

  get step(): number {
    return this.#step;
  }

  get isDone(): boolean {
    return this.#evaluator.isPatienceOver || this.#step >= this.#plan.totalSteps;
  }

  /** Makes a fresh adapter, or restores the run to resume. */
  async prepare(emit: Emit): Promise<void> {
    await tf.ready();
    await this.#engine.open?.();
    for (const warning of [...(this.#engine.warnings?.() ?? []), ...this.#plan.warnings]) this.#warn(warning);
    const { resume } = this.#options;
    const state = resume ? await this.#resumed(() => this.#restore(resume)) : this.#begin();
    requireMatched(
      this.#plan.groups,
      leavesOf(paramsOf(state)).map(([leaf]) => leaf),
    );
    this.#savedStep = this.#step;
    try {
      await this.#resumed(() => this.#program.compile(state, this.#nextClock));
    } catch (error) {
      disposeUnless(state, {});
      throw error;
    }
    const trainable = leavesOf(paramsOf(state)).reduce((total, [, leaf]) => total + sizeOf(leaf.shape), 0);
    emit({
      type: 'start',
      step: this.#step,
      totalSteps: this.#plan.totalSteps,
      trainable,
      targets: this.#plan.targets.length,
    });
  }

  /** One optimizer step and all that follows from it: advance and effects, report, evaluation, save. */
  async runStep(emit: Emit): Promise<void> {
    const began = performance.now();
    const { totalSteps } = this.#plan;
    const clock = this.#nextClock;
    const batches = await this.#reader.take(this.#plan.accumulate, (batch) =>
      this.#options.loss.check?.(batch, this.#model.outputSize),
    );
    const laneCall = await this.#program.callAt(clock);
    const program = await this.#resumed(() => this.#program.functionsAt(laneCall));
    const { loss, optimizer } = this.#options;
    const inputs = stepInputs(batches, { ...laneCall, plan: this.#plan, loss, optimizer, lanes: this.#program.lanes });
    const { stepPlan } = this.#program;
    const metrics = await this.#resumed(() =>
      takeStep(program, inputs, (found) =>
        nonFiniteError({ step: clock.step, batches, metrics: found, plan: stepPlan, inputs: inputs.batches, program }),
      ),
    );
    this.#isBetweenSteps = false;
    this.#step = clock.step;
    this.#position = this.#reader.position;
    const effects = await this.#resumed(() => this.#advance(clock));
    this.#isBetweenSteps = true;
    const lanes = Object.values(inputs.update.lanes);
    emit({
      type: 'step',
      step: clock.step,
      totalSteps,
      epoch: this.#position.epoch,
      loss: metrics.loss as number,
      penalty: metrics.penalty as number,
      gradientNorm: metrics.gradientNorm as number,
      learningRates: lanes.map(({ learningRate }) => learningRate),
      seconds: (performance.now() - began) / 1000,
    });
    for (const effect of effects) emit(effectEvent(effect, clock.step));
    if (this.#evaluator.isDue(clock)) {
      const call = {
        clock,
        program: this.#program.functions,
        stepPlan: this.#program.stepPlan,
        finishedCount: this.#finished.length,
      };
      const evaluated = await this.#evaluator.evaluate(call);
      if (evaluated) emit(evaluated);
    }
    const { checkpoints } = this.#options;
    if (checkpoints && (clock.step % checkpoints.every === 0 || this.isDone)) await this.save(emit);
  }

  /** Saves the state where the options say to, unless this step's was. */
  async save(emit: Emit): Promise<void> {
    const { checkpoints } = this.#options;
    if (!checkpoints || this.#savedStep === this.#step) return;
    this.#savedStep = this.#step;
    emit(await saveState(await this.state(), checkpoints, (warning) => this.#warn(warning)));
  }

  /** What a forward pass of the run sees now. The tensors stay the run's. */
  async current(): Promise<{
    readonly weights: Weights;
    readonly adapter: AnyAdapter;
    readonly trained: StepState['trained'];
    readonly tokenRows: TrainedAdapter['tokenRows'];
  }> {
    const { adapter, trained, tokenRows, strategy } = await this.#program.state();
    return {
      weights: this.#weights,
      adapter: { params: adapter, state: strategy },
      trained,
      tokenRows: withRows(this.#plan.tokenTables, tokenRows),
    };
  }

  /** Everything a save must hold, between two steps. */
  async state(): Promise<TrainingState> {
    requireState({
      isReady: this.#program.isBound,
      isBetweenSteps: this.#isBetweenSteps,
      keepLinks: this.#plan.keepLinks,
      step: this.#step,
    });
    const fileConfig = fileConfigOf(this.#options);
    return {
      version: trainingStateVersion,
      ...this.#describe(),
      step: this.#step,
      position: this.#position,
      tensors: await readSnapshot(atRest(await this.#program.state())),
      starts: Object.fromEntries(this.#program.starts),
      finished: this.#finished,
      best: this.#evaluator.best,
      evaluation: this.#evaluator.last,
      ...(fileConfig && { fileConfig: JSON.stringify(fileConfig) }),
    };
  }

  /** Ends the run and hands over the adapter: the best state where that is wanted, else the last. */
  async finish(aborted?: 'aborted'): Promise<RunResult> {
    await this.#reader.close();
    const last = await this.#program.release();
    this.#program.dispose();
    const { keepBest } = this.#plan;
    const { best: known, last: lastEvaluation } = this.#evaluator;
    const best = keepBest && known?.tensors && known.step !== this.#step ? known : undefined;
    const state = best?.tensors ? (uploadSnapshot(best.tensors) as unknown as RestState) : last;
    disposeUnless({ slots: last.slots, sums: last.sums }, {});
    if (best) disposeUnless({ ...paramsOf(last), strategy: last.strategy }, {});
    const finished = best ? this.#finished.slice(0, best.finishedCount) : this.#finished;
    const weights = this.#weights;
    if (finished.length < this.#finished.length) {
      weights.dispose();
      await replayLinks(weights, finished, this.#chain);
    }
    const adapter = trainedAdapterOf(this.#model, this.#options, { plan: this.#plan, state, finished });
    const reason: StopReason = aborted ?? (this.#evaluator.isPatienceOver ? 'stopped-early' : 'finished');
    // Who keeps only the adapter never disposes the weights.
    weights.freeUploads();
    return {
      adapter,
      reason,
      weights,
      step: best?.step ?? this.#step,
      evaluation: best?.evaluation ?? lastEvaluation,
      dispose() {
        disposeAdapter(adapter);
        weights.dispose();
      },
    };
  }

  /** Frees everything after a failure. */
  async dispose(): Promise<void> {
    this.#program.dispose();
    this.#weights.dispose();
    // A source that fails to close must not hide the failure that ended the run.
    await this.#reader.close().catch(() => undefined);
  }

  /** What a replay of finished links needs to give the same bits. */
  get #chain() {
    const { strategy, targets } = this.#plan;
    return { root: strategy, targets, engine: this.#engine };
  }

  #warn(warning: string): void {
    (this.#options.onWarning ?? console.warn)(warning);
  }

  #describe(): RunIdentity {
    const { strategy, totalSteps, seed, targets } = this.#plan;
    this.#identity ??= {
      strategy: strategy.name,
      fingerprint: this.#model.weights.fingerprint(),
      seed,
      totalSteps,
      targets: targets.map(({ path }) => path),
      settings: runSettings(this.#plan, this.#options),
    };
    return this.#identity;
  }

  #begin(): RestState {
    const { strategy } = this.#plan;
    return tf.tidy(() => {
      const { params, state: initial } = strategy.init(this.#context());
      const trained = Object.fromEntries(this.#plan.trained.map((path) => [path, toTensor(this.#weights.get(path))]));
      const { tokenTables } = this.#plan;
      const fresh = { adapter: params, trained, tokenRows: freshRows(this.#weights, tokenTables) };
      const { from } = this.#options;
      const started = from ? startFrom(from, fresh, { model: this.#model, tokenTables }) : fresh;
      return this.#program.withSlots(
        { ...started, strategy: initial },
        { slots: new Map(), starts: new Map() },
        this.#step,
      );
    });
  }

  async #restore(saved: TrainingState): Promise<RestState> {
    for (const warning of checkResume(saved, this.#describe())) this.#warn(warning);
    const { seed } = this.#plan;
    await replayLinks(this.#weights, saved.finished, this.#chain);
    this.#step = saved.step;
    this.#finished = saved.finished;
    this.#evaluator.restore(saved);
    this.#program.restore(new Map(Object.entries(saved.starts)));
    this.#position = saved.position;
    this.#reader = new BatchReader(this.#options.data, seed, saved.position);
    const empty = { adapter: {}, trained: {}, tokenRows: {}, strategy: {}, slots: {} };
    const state = { ...empty, ...uploadSnapshot(saved.tensors) } as unknown as RestState;
    const { optimizer } = this.#options;
    try {
      const run = { ...this.#plan, starts: this.#program.starts, step: saved.step, weights: this.#weights };
      checkRestored(state, { ...run, optimizer });
    } catch (error) {
      disposeUnless(state, {});
      throw error;
    }
    return state;
  }

  /** Of a resumed run: what fails without saying so is the state's fault, which a file may have brought. */
  #resumed<T>(work: () => Promise<T>): Promise<T> {
    const { resume } = this.#options;
    return resume ? blameState(resume.step, this.#step, work) : work();
  }

  async #advance(clock: Clock): Promise<readonly Effect[]> {
    const state = await this.#program.state();
    const adapter = { params: state.adapter, state: state.strategy };
    const ahead = new MergesAhead(this.#weights, this.#engine);
    const context: Context = { ...this.#context(), weightAfter: (effects) => ahead.weightAfter(effects) };
    try {
      const pending = this.#plan.strategy.advance?.(context, adapter, clock);
      if (!pending) return [];
      const step = await pending;
      refuseTiedMerges(step.effects, this.#plan);
      const next = await this.#carriedOut(step, ahead, state).catch((error: unknown) => {
        // No program ever held what the strategy made anew.
        disposeUnless({ params: step.params, state: step.state }, state);
        throw error;
      });
      if (step.params === state.adapter && step.effects.length === 0)
        await this.#program.bind({ ...next, sums: state.sums });
      else await this.#program.compile(next, this.#nextClock);
      // A part may have made the adapter it merges in this very advance: then no program ever held it.
      for (const effect of step.effects) if (effect.kind === 'merge') disposeUnless(effect.adapter, next);
      return step.effects;
    } finally {
      ahead.dispose();
    }
  }

  async #carriedOut(step: Step, ahead: MergesAhead, state: RestState): Promise<RestState> {
    await ahead.carryOut(step.effects);
    for (const effect of step.effects) {
      if (effect.kind === 'merge' && this.#plan.keepLinks)
        this.#finished = [...this.#finished, await finishLink(effect)];
    }
    return tf.tidy(() => this.#followEffects(state, step));
  }

  #followEffects(state: RestState, step: Step): RestState {
    const { trained, tokenRows } = state;
    const next = { adapter: step.params, trained, tokenRows, strategy: step.state };
    if (step.params === state.adapter && step.effects.length === 0) return { ...next, slots: state.slots };
    let book = this.#program.openBook(state);
    for (const effect of step.effects) {
      if (effect.kind === 'restart') book = restartSlots(book, effect.targets, this.#targets);
      if (effect.kind === 'select') book = selectSlots(book, effect);
    }
    return this.#program.withSlots(next, book, this.#step);
  }

  /** The clock of the next update. */
  get #nextClock(): Clock {
    return { step: this.#step + 1, totalSteps: this.#plan.totalSteps };
  }

  #context(): Context {
    const { targets, seed, totalSteps } = this.#plan;
    return { targets, seed, totalSteps, weightOf: (target) => this.#weights.tensor(`${target.path}.weight`) };
  }
}
