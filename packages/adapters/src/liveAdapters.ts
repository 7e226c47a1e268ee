import {
  type AnyModel,
  adaptedAt,
  attach,
  disposeAdapter,
  type Engine,
  eagerEngine,
  type HostArray,
  type HostBatch,
  PeftError,
  type TensorBatch,
  type TrainedAdapter,
  type Weights,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import {
  type AdapterChoice,
  type ChosenWeights,
  isSameChoice,
  requireKnown,
  weightsOfChoice,
} from './adapterChoice.ts';
import { AdapterPrograms } from './adapterPrograms.ts';
import type { AdapterSet, CallOptions } from './adapterSet.ts';
import { groupRows } from './batchRows.ts';
import { adapterTensors, checkAdapter } from './checkAdapter.ts';
import { checkHostBatch, checkTensorBatch } from './checkBatch.ts';
import { checkCallOptions, checkMergeOptions } from './checkCallOptions.ts';
import { describePrepared } from './describeAdapter.ts';
import { mergeNamed, mergeSafely, type Named } from './mergeSafely.ts';
import { type Mixed, mixArrays, mixTensors } from './mixedBatch.ts';
import { type PreparedAdapter, prepareAdapter } from './prepareAdapter.ts';
import { type AdapterSum, sumOfPrepared } from './sumAdapters.ts';
import { Turns } from './turns.ts';
import { weightedSum } from './weightedSum.ts';

/** Adapters as they serve: the weights that they stand on, and what is done to them. */
type Serving = {
  readonly choice: ChosenWeights;
  readonly weights: Weights;
  readonly adapter: TrainedAdapter;
  dispose(): void;
};

/** The set behind `adapterSet`. */
export class LiveAdapters implements AdapterSet {
  readonly #model: AnyModel;
  readonly #engine: Engine | undefined;
  readonly #programs: AdapterPrograms;
  readonly #turns = new Turns();
  readonly #entries = new Map<string, PreparedAdapter>();
  #serving: Serving | undefined;
  #merged: Weights | undefined;
  #isSwitchedOff = false;
  /** Scopes of `whileDisabled` under way. */
  #scopes = 0;
  #isDisposed = false;

  constructor(model: AnyModel, engine: Engine | undefined) {
    this.#model = model;
    this.#engine = engine;
    this.#programs = new AdapterPrograms(model, engine ?? eagerEngine());
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  get active(): ReadonlyMap<string, number> {
    return new Map(this.#serving?.choice);
  }

  get isMerged(): boolean {
    return this.#merged !== undefined;
  }

  get isEnabled(): boolean {
    return !this.#isSwitchedOff && this.#scopes === 0;
  }

  add(name: string, trained: TrainedAdapter): Promise<void> {
    return this.#inTurn(async () => {
      requireNewName(name, this.names);
      this.#entries.set(name, await this.#prepare(name, trained));
    });
  }

  remove(name: string): Promise<void> {
    return this.#inTurn(async () => disposeAdapter(this.#takeOut(name)));
  }

  take(name: string): Promise<TrainedAdapter> {
    return this.#inTurn(async () => this.#takeOut(name));
  }

  swap(name: string, trained: TrainedAdapter): Promise<void> {
    return this.#inTurn(async () => {
      const former = this.#entry(name);
      if (former.trained === trained) return;
      const prepared = await this.#prepare(name, trained);
      const choice = this.#serving?.choice;
      if (choice?.has(name)) {
        const parts = this.#parts(choice).map((part) => (part.name === name ? { ...part, prepared } : part));
        try {
          this.#serve(await this.#servingOf(parts));
        } catch (error) {
          prepared.dispose();
          throw error;
        }
      }
      this.#entries.set(name, prepared);
      former.dispose();
      const kept = new Set(adapterTensors(trained));
      tf.dispose(adapterTensors(former.trained).filter((tensor) => !kept.has(tensor)));
    });
  }

  activate(choice: AdapterChoice): Promise<void> {
    return this.#inTurn(async () => {
      const weights = this.#weightsOf(choice);
      if (isSameChoice(weights, this.active)) return;
      this.#serve(await this.#servingOf(this.#parts(weights)));
    });
  }

  merge(options: { readonly safe?: boolean } = {}): Promise<void> {
    return this.#inTurn(async () => {
      checkMergeOptions(options);
      const { safe = true } = options;
      if (this.#merged) return;
      if (!this.#serving) {
        throw new PeftError(
          'adapters/none-active',
          'adapterSet: no adapter is active to be merged; activate one first.',
        );
      }
      const merge = safe ? mergeSafely : mergeNamed;
      this.#merged = await merge(this.#model, this.#parts(this.#serving.choice), this.#engine);
    });
  }

  unmerge(): Promise<void> {
    return this.#inTurn(async () => this.#dropMerge());
  }

  disable(): void {
    this.#requireAlive();
    this.#isSwitchedOff = true;
  }

  enable(): void {
    this.#requireAlive();
    this.#isSwitchedOff = false;
  }

  whileDisabled<Result>(use: () => Result): Result {
    this.#requireAlive();
    if (typeof use !== 'function') {
      throw new PeftError(
        'adapters/call',
        'adapterSet: whileDisabled takes a function; pass () => set.predict(batch).',
      );
    }
    const leave = () => void this.#scopes--;
    this.#scopes++;
    let result: Result;
    try {
      result = use();
    } catch (error) {
      leave();
      throw error;
    }
    if (isThenable(result)) return Promise.resolve(result).finally(leave) as Result;
    leave();
    return result;
  }

  apply(batch: TensorBatch, options: CallOptions = {}): tf.Tensor {
    this.#requireAlive();
    checkCallOptions(options);
    checkTensorBatch(batch);
    const { rows, adapters } = options;
    if (!rows) return this.#output(batch, adapters === undefined ? this.#current() : this.#weightsOf(adapters));
    return mixTensors(this.#mixed(rows), batch, (part, weights) => this.#output(part, weights));
  }

  predict(batch: HostBatch, options: CallOptions = {}): Promise<HostArray> {
    const { isEnabled } = this;
    return this.#inTurn(async () => {
      checkCallOptions(options);
      checkHostBatch(batch);
      const { rows, adapters } = options;
      if (!rows) {
        const active = isEnabled ? this.active : none;
        return this.#compute(batch, adapters === undefined ? active : this.#weightsOf(adapters));
      }
      // Compiled programs are for one shape each: few lengths of groups, few programs.
      const lengthOf = (length: number) => (this.#engine ? paddedLength(length, rows.length) : length);
      return mixArrays({ ...this.#mixed(rows), lengthOf }, batch, (part, weights) => this.#compute(part, weights));
    });
  }

  sum(choice?: AdapterChoice): AdapterSum {
    this.#requireAlive();
    return sumOfPrepared(this.#model, this.#parts(choice === undefined ? this.active : this.#weightsOf(choice)));
  }

  describe(): ReturnType<AdapterSet['describe']> {
    return this.#inTurn(async () => {
      const described = [];
      for (const [name, prepared] of this.#entries) {
        const weight = this.#serving?.choice.get(name);
        described.push({ name, weight, ...(await describePrepared(this.#model, prepared)) });
      }
      return described;
    });
  }

  dispose(): Promise<void> {
    if (this.#isDisposed) return Promise.resolve();
    const freed = this.#inTurn(async () => {
      this.#serve(undefined);
      this.#programs.dispose();
      for (const prepared of this.#entries.values()) {
        prepared.dispose();
        disposeAdapter(prepared.trained);
      }
      this.#entries.clear();
    });
    this.#isDisposed = true;
    return freed;
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#isDisposed ? Promise.reject(disposedError()) : this.#turns.take(work);
  }

  #requireAlive(): void {
    if (this.#isDisposed) throw disposedError();
  }

  #entry(name: string): PreparedAdapter {
    requireKnown(name, this.names);
    return this.#entries.get(name) as PreparedAdapter;
  }

  #weightsOf(choice: AdapterChoice): ChosenWeights {
    return weightsOfChoice(choice, this.names);
  }

  #mixed(rows: readonly (AdapterChoice | undefined)[]): Mixed {
    const groups = groupRows(rows, (choice) => this.#weightsOf(choice));
    return { model: this.#model, groups, count: rows.length };
  }

  #parts(weights: ChosenWeights): readonly Named[] {
    return [...weights].map(([name, weight]) => ({ name, weight, prepared: this.#entry(name) }));
  }

  /** What a call without a choice of its own uses. */
  #current(): ChosenWeights {
    return this.isEnabled ? this.active : none;
  }

  async #prepare(name: string, trained: TrainedAdapter): Promise<PreparedAdapter> {
    const what = `adapterSet: adapter "${name}"`;
    checkAdapter(this.#model, trained, what);
    const own = new Set(adapterTensors(trained));
    for (const [other, { trained: held }] of this.#entries) {
      if (other === name || !adapterTensors(held).some((tensor) => own.has(tensor))) continue;
      throw new PeftError(
        'adapters/shared',
        `${what} has tensors of adapter "${other}", which would be freed with either; load it a second time.`,
      );
    }
    return prepareAdapter(this.#model, trained, this.#engine);
  }

  #takeOut(name: string): TrainedAdapter {
    const prepared = this.#entry(name);
    if (this.#serving?.choice.has(name)) {
      throw new PeftError(
        'adapters/active',
        `adapterSet: adapter "${name}" is active; activate others, or none with activate([]), before it goes.`,
      );
    }
    this.#entries.delete(name);
    prepared.dispose();
    return prepared.trained;
  }

  async #servingOf(parts: readonly Named[]): Promise<Serving | undefined> {
    const [only] = parts;
    if (!only) return undefined;
    const choice = new Map(parts.map(({ name, weight }) => [name, weight]));
    const { adapter, dispose } = sumOfPrepared(this.#model, parts);
    if (adapter.finished.length === 0) return { choice, adapter, weights: this.#model.weights, dispose };
    // A chain alone is served as attach serves it, on weights with its links merged.
    const attached = await attach(this.#model, adapter, this.#engine);
    return { choice, adapter, weights: attached.weights, dispose: attached.dispose };
  }

  #serve(serving: Serving | undefined): void {
    this.#dropMerge();
    this.#serving?.dispose();
    this.#serving = serving;
  }

  #dropMerge(): void {
    if (!this.#merged) return;
    this.#programs.forget(this.#merged);
    this.#merged.dispose();
    this.#merged = undefined;
  }

  /** The weights that hold this choice already, where it is the active one and merged. */
  #mergedFor(weights: ChosenWeights): Weights | undefined {
    return weights.size > 0 && isSameChoice(weights, this.active) ? this.#merged : undefined;
  }

  #output(batch: TensorBatch, choice: ChosenWeights): tf.Tensor {
    const { targets: modules, weights } = this.#model;
    const serving = this.#serving;
    return tf.tidy(() => {
      const merged = this.#mergedFor(choice);
      if (choice.size === 0 || merged) {
        return this.#model.apply(batch, adaptedAt({ modules, weights: merged ?? weights }));
      }
      if (serving && isSameChoice(choice, serving.choice)) {
        return this.#model.apply(batch, adaptedAt({ ...serving.adapter, modules, weights: serving.weights }));
      }
      const adapter = sumOnBase(this.#model, this.#parts(choice));
      return this.#model.apply(batch, adaptedAt({ ...adapter, modules, weights }));
    });
  }

  #compute(batch: HostBatch, choice: ChosenWeights): Promise<HostArray> {
    const merged = this.#mergedFor(choice);
    return this.#programs.run(merged ?? this.#model.weights, merged ? [] : this.#parts(choice), batch);
  }
}

const none: ChosenWeights = new Map();

/** Adapters on the untouched base: finished links, which `attach` would merge, are part of a sum. */
function sumOnBase(model: AnyModel, parts: readonly Named[]): TrainedAdapter {
  const { adapter } = sumOfPrepared(model, parts);
  return adapter.finished.length > 0 ? weightedSum(model, parts) : adapter;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}

/** The least power of two that holds `length`, and no more than all rows. */
function paddedLength(length: number, all: number): number {
  return Math.min(2 ** Math.ceil(Math.log2(length)), all);
}

function requireNewName(name: unknown, known: readonly string[]): void {
  if (typeof name !== 'string' || name === '') {
    throw new PeftError(
      'adapters/name',
      `adapterSet: ${JSON.stringify(name)} is no name of an adapter; pass a string that is not empty.`,
    );
  }
  if (!known.includes(name)) return;
  throw new PeftError(
    'adapters/name',
    `adapterSet: there is an adapter "${name}" already; choose another name, or swap it.`,
  );
}

function disposedError(): PeftError {
  return new PeftError('adapters/disposed', 'adapterSet: this set was disposed of; make a new one.');
}
