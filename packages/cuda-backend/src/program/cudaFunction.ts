import type { CapturedFunction } from '@peft/compiler';
import { type HostArray, type HostInputs, type StepResult, sizeOf, type Weights } from '@peft/core';
import type { EngineDevice } from './engineDevice.ts';
import { InputPacker } from './inputPacker.ts';
import { PlacedPlan } from './placedPlan.ts';
import { outputOf } from './resultBlock.ts';
import { type RunSlot, RunSlots } from './runSlots.ts';
import type { StateMemory } from './stateMemory.ts';
import { weightSources } from './weightSources.ts';

export interface CudaFunctionOptions {
  readonly name: string;
  readonly captured: CapturedFunction;
  /** Inputs of the types that it was captured for. */
  readonly inputs: HostInputs;
  readonly weights: Weights;
  readonly state: StateMemory;
}

/** A captured function on the device, for inputs of one set of types. */
export class CudaFunction {
  readonly #device: EngineDevice;
  readonly #weights: Weights;
  readonly #state: StateMemory;
  readonly #numbers: Readonly<Record<string, number>>;
  readonly #packer: InputPacker;
  readonly #placed: PlacedPlan;
  readonly #slots: RunSlots;
  /** Paths of the state that it writes. */
  readonly #written: readonly string[];
  /** Ends of the runs in the stream, in its order. */
  readonly #underWay: Promise<unknown>[] = [];

  constructor(device: EngineDevice, { name, captured, inputs, weights, state }: CudaFunctionOptions) {
    const plan = device.planOf(captured.graph);
    const { numbers } = captured;
    const isAllowed = Object.values(numbers).every(Number.isFinite);
    this.#device = device;
    this.#weights = weights;
    this.#state = state;
    this.#numbers = numbers;
    this.#placed = new PlacedPlan(device, { name, plan, sources: weightSources(captured, plan), isAllowed });
    const { offsets, bytes: inputBytes } = this.#placed.inputs;
    const packed = plan.inputs.map(({ path, operand: { region, storage, shape } }) => ({
      path,
      storage,
      offset: offsets.get(region) as number,
      count: sizeOf(shape),
    }));
    this.#packer = new InputPacker(inputs, packed);
    this.#slots = new RunSlots(device.driver, { packer: this.#packer, inputBytes, results: this.#placed.results });
    this.#written = plan.results.flatMap(({ kind, path }) => (kind === 'state' ? [path] : []));
  }

  /** Whether it was captured for inputs of these types. */
  fits(inputs: HostInputs): boolean {
    return this.#packer.fits(inputs);
  }

  /** Whether nothing that a run names has moved or was rewritten. */
  get isReady(): boolean {
    return this.#placed.isReady(this.#weights);
  }

  /** Whether `run` can put one more run in now. */
  get hasRoom(): boolean {
    return this.#slots.hasRoom;
  }

  /** The end of the run that has been under way for longest. */
  async room(): Promise<void> {
    await this.#underWay[0];
  }

  /** Makes it ready; no run of its program may be under way. */
  prepare(): Promise<void> {
    return this.#placed.prepare(this.#weights, this.#state);
  }

  /** Puts a run in the stream; the promise is that of its end. The state is replaced if every metric is finite. */
  run(inputs: HostInputs): Promise<StepResult> {
    const { stream, completions } = this.#device;
    const slot = this.#slots.take();
    try {
      this.#packer.pack(inputs, slot.inputs);
      if (slot.upload.byteLength > 0) stream.upload(this.#placed.inputAddress, slot.upload);
      this.#placed.put();
      stream.download(slot.download, this.#placed.resultAddress);
    } catch (error) {
      this.#slots.giveBack(slot);
      throw error;
    }
    const end = completions
      .after(() => this.#read(slot))
      .finally(() => {
        this.#slots.giveBack(slot);
        void this.#underWay.shift();
      });
    this.#underWay.push(end.catch(() => undefined));
    return end;
  }

  release(): void {
    this.#placed.release();
    this.#slots.close();
  }

  #read({ results, pinned, upload }: RunSlot): StepResult {
    const placed = this.#placed.results;
    const metrics: Record<string, number> = { ...this.#numbers };
    for (const [index, { path }] of placed.metrics.entries()) {
      metrics[path] = (results.metrics[index] as ArrayLike<number>)[0] as number;
    }
    const outputs: Record<string, HostArray> = {};
    for (const output of placed.outputs) outputs[output.path] = outputOf(output, pinned.bytes, upload.byteLength);
    if (results.flag[0] === 1) this.#state.replaced(this.#written);
    return { metrics, outputs };
  }
}
