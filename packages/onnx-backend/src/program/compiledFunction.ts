import { arrayFor, type FrozenWeights, type HostLeaf } from '@peft/compiler';
import type { HostArray, StepResult } from '@peft/core';
import type { TypedArray } from '@peft/graph';
import type { Binding } from '../runtime.ts';
import type { SessionLease } from '../sessionCache.ts';
import type { CapturedModel } from './captureModel.ts';
import type { StateBuffers } from './stateBuffers.ts';

/** Bindings kept at a time, one for each way in which the sides of the state stand. */
const bindingLimit = 8;

/** A captured function with its session, and its bindings to the buffers of one program. */
export class CompiledFunction {
  readonly #captured: CapturedModel;
  readonly #lease: SessionLease;
  readonly #weights: FrozenWeights;
  readonly #weightPaths: readonly string[];
  readonly #inputs: ReadonlyMap<string, TypedArray>;
  readonly #metrics: ReadonlyMap<string, TypedArray>;
  /** Paths of the state it reads or writes, and of what it writes. */
  readonly #touched: readonly string[];
  readonly #written: readonly string[];
  readonly #bindings = new Map<string, Binding>();
  #generation = -1;
  #versions: readonly number[] = [];
  #frozen = new Map<string, TypedArray>();

  constructor(captured: CapturedModel, lease: SessionLease, weights: FrozenWeights) {
    this.#captured = captured;
    this.#lease = lease;
    this.#weights = weights;
    const { feeds, results, model } = captured;
    this.#weightPaths = feeds.flatMap((feed) => (feed.kind === 'weight' ? [feed.path] : []));
    this.#inputs = new Map(
      feeds.flatMap((feed, index) => {
        const port = model.feeds[index];
        return feed.kind === 'input' && port ? [[feed.path, arrayFor(port)]] : [];
      }),
    );
    const metrics = results.filter(({ kind }) => kind === 'metric');
    this.#metrics = new Map(metrics.map((metric) => [metric.path, arrayFor(metric)]));
    this.#written = results.flatMap(({ kind, path }) => (kind === 'state' ? [path] : []));
    const read = feeds.flatMap((feed) => (feed.kind === 'state' ? [feed.path] : []));
    this.#touched = [...new Set([...read, ...this.#written])];
  }

  /** One run over the current state, which is replaced if every metric is finite. */
  async run(state: StateBuffers, inputs: ReadonlyMap<string, HostLeaf>): Promise<StepResult> {
    await this.#bindFrozen(state);
    for (const [path, array] of this.#inputs) array.set((inputs.get(path) as HostLeaf).data);
    const outputs = this.#outputs();
    const isOnce = Object.keys(outputs).length > 0;
    const binding = isOnce ? this.#bind(state, outputs) : this.#bindingFor(state);
    try {
      await binding.run();
    } finally {
      if (isOnce) binding.release();
    }
    const read = [...this.#metrics].map(([name, array]) => [name, Number(array[0])]);
    const metrics: Record<string, number> = { ...this.#captured.numbers, ...Object.fromEntries(read) };
    if (Object.values(metrics).every(Number.isFinite)) state.flip(this.#written);
    return { metrics, outputs };
  }

  release(): void {
    this.#unbind();
    this.#lease.release();
  }

  #unbind(): void {
    for (const binding of this.#bindings.values()) binding.release();
    this.#bindings.clear();
  }

  /** Looks up weights that were rewritten, and forgets bindings to arrays that were exchanged. */
  async #bindFrozen(state: StateBuffers): Promise<void> {
    const paths = this.#weightPaths;
    const versions = paths.map((path) => this.#weights.versionOf(path));
    const isSame = versions.every((version, index) => version === this.#versions[index]);
    if (isSame && this.#generation === state.generation) return;
    this.#unbind();
    if (!isSame || this.#frozen.size !== paths.length) {
      const arrays = await Promise.all(paths.map((path) => this.#weights.arrayOf(path)));
      this.#frozen = new Map(paths.map((path, index) => [path, arrays[index] as TypedArray]));
    }
    this.#versions = versions;
    this.#generation = state.generation;
  }

  /** New arrays each time: the caller keeps them. */
  #outputs(): Readonly<Record<string, HostArray>> {
    const outputs = this.#captured.results.filter(({ kind }) => kind === 'output');
    return Object.fromEntries(
      outputs.map(({ path, shape, dtype }) => [path, { shape, dtype, data: arrayFor({ shape, dtype }) }]),
    );
  }

  #bindingFor(state: StateBuffers): Binding {
    const key = this.#touched.map((path) => state.sideOf(path)).join('');
    const binding = this.#bindings.get(key) ?? this.#bind(state, {});
    this.#bindings.delete(key);
    this.#bindings.set(key, binding);
    if (this.#bindings.size > bindingLimit) {
      const [oldest, former] = [...this.#bindings][0] as [string, Binding];
      this.#bindings.delete(oldest);
      former.release();
    }
    return binding;
  }

  #bind(state: StateBuffers, outputs: Readonly<Record<string, HostArray>>): Binding {
    const feeds = this.#captured.feeds.map((feed) => {
      if (feed.kind === 'constant') return feed.data;
      if (feed.kind === 'state') return state.read(feed.path);
      return (feed.kind === 'input' ? this.#inputs : this.#frozen).get(feed.path) as TypedArray;
    });
    const results = this.#captured.results.map(({ kind, path }) => {
      if (kind === 'state') return state.write(path);
      return kind === 'metric' ? (this.#metrics.get(path) as TypedArray) : (outputs[path]?.data as TypedArray);
    });
    return this.#lease.bind(feeds, results);
  }
}
