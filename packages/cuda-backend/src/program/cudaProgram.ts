import { captureFunction, FrozenWeights, hostLeaves, inputTypes, Turns } from '@peft/compiler';
import type { HostInputs, Program, Snapshot, StepFunction, StepResult, Weights } from '@peft/core';
import { cudaPasses } from '../plan/cudaPasses.ts';
import { CudaFunction } from './cudaFunction.ts';
import type { EngineDevice } from './engineDevice.ts';
import { StateMemory } from './stateMemory.ts';

/**
 * Functions compiled on first use for each set of shapes, over one state in the memory of the device. Runs that are asked
 * for one after another without waiting are put in at once, and end in that order.
 */
export class CudaProgram<Name extends string> implements Program<Name> {
  readonly #functions: Readonly<Record<Name, StepFunction>>;
  readonly #weights: Weights;
  readonly #device: EngineDevice;
  readonly #state: StateMemory;
  readonly #compiled = new Map<Name, CudaFunction[]>();
  readonly #turns = new Turns();
  readonly #end: () => void;
  #stateKey = '';
  /** The end of the run that was put in last. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(functions: Readonly<Record<Name, StepFunction>>, weights: Weights, device: EngineDevice) {
    this.#functions = functions;
    this.#weights = weights;
    this.#device = device;
    this.#end = device.use();
    this.#state = new StateMemory(device.driver, device.transfers);
  }

  bind(state: Snapshot): Promise<void> {
    return this.#alone(async () => {
      await this.#state.bind(state);
      if (this.#state.key !== this.#stateKey) this.#releaseFunctions();
      this.#stateKey = this.#state.key;
    });
  }

  run(name: Name, inputs: HostInputs): Promise<StepResult> {
    if (this.#turns.isFree && this.#state.isSettled) {
      const ready = this.#find(name, inputs);
      if (ready?.isReady && ready.hasRoom) return this.#start(ready, inputs);
    }
    const started = this.#turns.take(async () => {
      let compiled = await this.#ready(name, inputs);
      // Between being ready and being asked, another program may have moved what they share.
      while (!compiled.isReady || !this.#state.isSettled) compiled = await this.#ready(name, inputs);
      return { end: this.#start(compiled, inputs) };
    });
    return started.then(({ end }) => end);
  }

  state(): Promise<Snapshot> {
    return this.#alone(async () => this.#state.view());
  }

  release(): Promise<Snapshot> {
    return this.#alone(() => this.#state.release());
  }

  dispose(): void {
    this.#turns.end(() => this.#free());
  }

  async #free(): Promise<void> {
    await this.#last;
    this.#releaseFunctions();
    await this.#state.clear();
    this.#end();
  }

  #find(name: Name, inputs: HostInputs): CudaFunction | undefined {
    return this.#compiled.get(name)?.find((each) => each.fits(inputs));
  }

  #start(compiled: CudaFunction, inputs: HostInputs): Promise<StepResult> {
    try {
      const end = compiled.run(inputs);
      this.#last = end.catch(() => undefined);
      return end;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #ready(name: Name, inputs: HostInputs): Promise<CudaFunction> {
    const known = this.#find(name, inputs);
    while (known && !known.hasRoom) await known.room();
    if (known?.isReady && this.#state.isSettled) return known;
    await this.#last;
    const compiled = known ?? (await this.#compile(name, inputs));
    await compiled.prepare();
    return compiled;
  }

  async #compile(name: Name, inputs: HostInputs): Promise<CudaFunction> {
    const captured = await captureFunction(this.#functions[name], {
      state: this.#state.tree,
      inputs: inputTypes(inputs, hostLeaves(inputs)),
      weights: FrozenWeights.of(this.#weights).tensors(),
      memoryBudget: this.#device.memoryBudget,
      passes: cudaPasses,
    });
    const compiled = new CudaFunction(this.#device, {
      name,
      captured,
      inputs,
      weights: this.#weights,
      state: this.#state,
    });
    this.#compiled.set(name, [...(this.#compiled.get(name) ?? []), compiled]);
    return compiled;
  }

  #releaseFunctions(): void {
    for (const compiled of this.#compiled.values()) for (const each of compiled) each.release();
    this.#compiled.clear();
  }

  /** Works with no run under way. */
  #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#turns.take(async () => {
      await this.#last;
      return work();
    });
  }
}
