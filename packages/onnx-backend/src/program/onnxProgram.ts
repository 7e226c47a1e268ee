import {
  type CompileOptions,
  FrozenWeights,
  type HostLeaf,
  hostLeaves,
  inputTypes,
  Turns,
  typesKey,
} from '@peft/compiler';
import type { HostInputs, Program, Snapshot, StepFunction, StepResult, Weights } from '@peft/core';
import type { SessionCache } from '../sessionCache.ts';
import { captureModel } from './captureModel.ts';
import { CompiledFunction } from './compiledFunction.ts';
import { StateBuffers } from './stateBuffers.ts';

/** Functions compiled on first use for each set of shapes, over one state. Calls run one after another. */
export class OnnxProgram<Name extends string> implements Program<Name> {
  readonly #functions: Readonly<Record<Name, StepFunction>>;
  readonly #weights: FrozenWeights;
  readonly #sessions: SessionCache;
  readonly #memoryBudget: number | undefined;
  readonly #state = new StateBuffers();
  readonly #compiled = new Map<string, CompiledFunction>();
  readonly #turns = new Turns();
  #stateKey = '';

  constructor(
    functions: Readonly<Record<Name, StepFunction>>,
    weights: Weights,
    { sessions, memoryBudget }: CompileOptions & { readonly sessions: SessionCache },
  ) {
    this.#functions = functions;
    this.#weights = FrozenWeights.of(weights);
    this.#sessions = sessions;
    this.#memoryBudget = memoryBudget;
  }

  bind(state: Snapshot): Promise<void> {
    return this.#turns.take(async () => {
      await this.#state.bind(state);
      const key = typesKey(this.#state.types);
      if (key !== this.#stateKey) this.#releaseFunctions();
      this.#stateKey = key;
    });
  }

  run(name: Name, inputs: HostInputs): Promise<StepResult> {
    return this.#turns.take(async () => {
      const leaves = hostLeaves(inputs);
      const compiled = await this.#function(name, inputs, leaves);
      return compiled.run(this.#state, leaves);
    });
  }

  state(): Promise<Snapshot> {
    return this.#turns.take(async () => this.#state.snapshot());
  }

  release(): Promise<Snapshot> {
    return this.#turns.take(async () => this.#state.release());
  }

  dispose(): void {
    this.#turns.end(() => this.#free());
  }

  async #free(): Promise<void> {
    this.#releaseFunctions();
    this.#state.clear();
  }

  async #function(name: Name, inputs: HostInputs, leaves: ReadonlyMap<string, HostLeaf>): Promise<CompiledFunction> {
    const key = `${name} ${typesKey(leaves)}`;
    const known = this.#compiled.get(key);
    if (known) return known;
    const captured = await captureModel(this.#functions[name], {
      state: this.#state.tree,
      inputs: inputTypes(inputs, leaves),
      weights: this.#weights.tensors(),
      memoryBudget: this.#memoryBudget,
    });
    const compiled = new CompiledFunction(captured, await this.#sessions.lease(captured.model), this.#weights);
    this.#compiled.set(key, compiled);
    return compiled;
  }

  #releaseFunctions(): void {
    for (const compiled of this.#compiled.values()) compiled.release();
    this.#compiled.clear();
  }
}
