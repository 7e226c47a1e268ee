import type { HostInputs, Program, Snapshot, StepFunction, StepResult, Weights } from '@peft/core';
import type { TensorType } from '@peft/graph';
import { OnnxError } from '../onnxError.ts';
import type { SessionCache } from '../sessionCache.ts';
import { type CompileOptions, captureFunction } from './captureFunction.ts';
import { CompiledFunction } from './compiledFunction.ts';
import { FrozenWeights } from './frozenWeights.ts';
import { type HostLeaf, hostLeaves, inputTypes } from './hostLeaves.ts';
import { StateBuffers } from './stateBuffers.ts';

/** Functions compiled on first use for each set of shapes, over one state. Calls run one after another. */
export class OnnxProgram<Name extends string> implements Program<Name> {
  readonly #functions: Readonly<Record<Name, StepFunction>>;
  readonly #weights: FrozenWeights;
  readonly #sessions: SessionCache;
  readonly #memoryBudget: number | undefined;
  readonly #state = new StateBuffers();
  readonly #compiled = new Map<string, CompiledFunction>();
  #stateKey = '';
  #isDisposed = false;
  #last: Promise<unknown> = Promise.resolve();

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
    return this.#inTurn(async () => {
      await this.#state.bind(state);
      const key = typesText(this.#state.types);
      if (key !== this.#stateKey) this.#releaseFunctions();
      this.#stateKey = key;
    });
  }

  run(name: Name, inputs: HostInputs): Promise<StepResult> {
    return this.#inTurn(async () => {
      const leaves = hostLeaves(inputs);
      const compiled = await this.#function(name, inputs, leaves);
      return compiled.run(this.#state, leaves);
    });
  }

  state(): Promise<Snapshot> {
    return this.#inTurn(async () => this.#state.snapshot());
  }

  release(): Promise<Snapshot> {
    return this.#inTurn(async () => this.#state.release());
  }

  dispose(): void {
    if (this.#isDisposed) return;
    const free = () => {
      this.#releaseFunctions();
      this.#state.clear();
    };
    this.#last = this.#last.then(free, free);
    this.#isDisposed = true;
  }

  async #function(name: Name, inputs: HostInputs, leaves: ReadonlyMap<string, HostLeaf>): Promise<CompiledFunction> {
    const key = `${name} ${typesText(leaves)}`;
    const known = this.#compiled.get(key);
    if (known) return known;
    const captured = await captureFunction(this.#functions[name], {
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

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#isDisposed) {
      const message = 'this program was disposed of; compile the functions again.';
      return Promise.reject(new OnnxError('onnx/disposed', message));
    }
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

function typesText(types: ReadonlyMap<string, TensorType>): string {
  return [...types].map(([path, { shape, dtype }]) => `${path}:${dtype}[${shape}]`).join(' ');
}
