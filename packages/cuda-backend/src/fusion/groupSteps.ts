import type { Node, Value } from '@peft/graph';
import type { Step, StepContext } from '../lowering/step.ts';
import { bytesPerNumber } from '../plan/storage.ts';
import { isCheap, isElement, isFusable } from './fusableNode.ts';
import { type FusedKernel, fusedKernel } from './fusedKernel.ts';
import { sizeOf } from './readMap.ts';
import { traceGroup } from './traceGroup.ts';
import { outputsOf, readsOf, type Unit } from './unit.ts';

/** As many bytes as a device moves in the time that one launch takes. */
const launchBytes = 4 * 2 ** 20;

/** Numbers from which an operation on elements alone is worth a kernel of its own text. */
const worthNumbers = 2 ** 15;

/** Rows that fill a device; of fewer, a block has little help from others. */
const manyRows = 64;
const longRow = 2 ** 15;
const mostOfFewRows = 3;
const worthRow = 2 ** 10;

/** Puts steps together into units, each of which is one kernel, in an order in which they can run. */
export class StepGroups {
  readonly #steps: readonly Step[];
  readonly #context: StepContext;
  readonly #unitOf: Unit[];
  readonly #roots = new Map<Value, Value>();
  readonly #makers = new Map<Value, number>();
  readonly #readers = new Map<Value, number[]>();
  readonly #returned: ReadonlySet<Value>;

  constructor(steps: readonly Step[], context: StepContext) {
    this.#steps = steps;
    this.#context = context;
    this.#unitOf = steps.map((step, place) => ({ places: [place], steps: [step], kernel: undefined }));
    for (const [place, { inputs, outputs, isView }] of steps.entries()) {
      for (const output of outputs) {
        this.#makers.set(output, place);
        if (isView) this.#roots.set(output, this.rootOf(inputs[0] as Value));
      }
      if (isView) continue;
      for (const input of inputs) {
        const root = this.rootOf(input);
        this.#readers.set(root, [...(this.#readers.get(root) ?? []), place]);
      }
    }
    this.#returned = new Set([...context.returned].map((value) => this.rootOf(value)));
  }

  readonly rootOf = (value: Value): Value => this.#roots.get(value) ?? value;

  /** Joins every step to those that make what it reads, where that is one kernel and moves no more. */
  join(): void {
    for (const [place, step] of this.#steps.entries()) {
      if (!this.#mayFuse(step)) continue;
      const sources = new Set(step.inputs.map((input) => this.#makers.get(this.rootOf(input))));
      for (const source of sources) {
        if (source === undefined || !this.#mayFuse(this.#steps[source] as Step)) continue;
        const [above, below] = [this.#unitOf[source] as Unit, this.#unitOf[place] as Unit];
        if (above === below || this.#isIndirect(above, below)) continue;
        const both = this.#joined(above, below);
        if (both) for (const each of both.places) this.#unitOf[each] = both;
      }
    }
  }

  /** The units that anybody needs, with what they store as it is in the end. */
  finish(): readonly Unit[] {
    const order = this.#order();
    const read = new Set(this.#context.returned);
    const kept: Unit[] = [];
    const keep = (unit: Unit) => {
      if (!outputsOf(unit).some((output) => read.has(output))) return;
      for (const value of readsOf(unit)) read.add(value);
      kept.unshift(unit);
    };
    for (const unit of order.toReversed()) {
      const stored = outputsOf(unit).filter((output) => read.has(output));
      const kernel = stored.length > 0 && this.#isWorth(unit) ? this.#kernelOf(unit.steps, stored) : undefined;
      if (kernel) keep({ ...unit, kernel });
      else for (const step of unit.steps.toReversed()) keep({ places: [], steps: [step], kernel: undefined });
    }
    return kept;
  }

  #mayFuse({ node, isView, parts, over }: Step): boolean {
    return node !== undefined && !isView && !parts && over === undefined && isFusable(node);
  }

  #isWorth({ steps }: Unit): boolean {
    const [step, ...rest] = steps as readonly [Step, ...Step[]];
    if (!this.#mayFuse(step)) return false;
    if (rest.length > 0) return true;
    const node = step.node as Node;
    if (!isElement(node)) return false;
    // Its mask may have no reader left.
    if (node.op === 'PeftDropout') return true;
    const isRepeated = step.inputs.some((input) => this.#cheapMakerOf(this.rootOf(input)) !== undefined);
    return isRepeated || sizeOf((step.outputs[0] as Value).shape) >= worthNumbers;
  }

  #joined(above: Unit, below: Unit): Unit | undefined {
    const places = [...above.places, ...below.places].sort((a, b) => a - b);
    const steps = places.map((place) => this.#steps[place] as Step);
    const kernel = this.#kernelOf(steps, this.#storedOf(places));
    if (!kernel || kernel.bytes > this.#bytesOf(above) + this.#bytesOf(below) + launchBytes) return undefined;
    return { places, steps, kernel };
  }

  #kernelOf(steps: readonly Step[], stored: readonly Value[]): FusedKernel | undefined {
    const { storageOf, numberOf } = this.#context;
    const traced = traceGroup({
      nodes: steps.map(({ node }) => node as Node),
      stored: stored.toSorted((a, b) => sizeOf(b.shape) - sizeOf(a.shape)),
      isNarrow: (value) => storageOf(value) === 'bf16',
      rootOf: this.rootOf,
      numberOf,
      cheapMakerOf: this.#cheapMakerOf,
    });
    const kernel = traced && fusedKernel(traced, storageOf);
    return kernel && isShared(kernel) ? kernel : undefined;
  }

  readonly #cheapMakerOf = (value: Value): Node | undefined => {
    const place = this.#makers.get(value);
    const node = place === undefined ? undefined : this.#steps[place]?.node;
    return node && isCheap(node, value) ? node : undefined;
  };

  /** Results of steps that others read. */
  #storedOf(places: readonly number[]): readonly Value[] {
    const inside = new Set(places);
    const isRead = (value: Value) =>
      (this.#readers.get(value) ?? []).some((place) => {
        if (inside.has(place)) return false;
        const { kernel } = this.#unitOf[place] as Unit;
        return !kernel || kernel.loads.includes(value);
      });
    const outputs = places.flatMap((place) => this.#steps[place]?.outputs ?? []);
    return outputs.filter((value) => this.#returned.has(value) || isRead(value));
  }

  #bytesOf({ steps, kernel }: Unit): number {
    if (kernel) return kernel.bytes;
    const { inputs, outputs, unread = [] } = steps[0] as Step;
    const bytes = (value: Value) => sizeOf(value.shape) * bytesPerNumber(this.#context.storageOf(value));
    const read = inputs.filter((_, place) => !unread.includes(place));
    return [...read, ...outputs].reduce((sum, value) => sum + bytes(value), 0);
  }

  /** Whether what is below needs what is above by way of others too: as one they would wait for each other. */
  #isIndirect(above: Unit, below: Unit): boolean {
    const first = above.places[0] as number;
    const seen = new Set<Unit>([below]);
    const waiting = this.#sourcesOf(below).filter((unit) => unit !== above);
    for (let unit = waiting.pop(); unit; unit = waiting.pop()) {
      if (unit === above) return true;
      if (seen.has(unit) || (unit.places.at(-1) as number) < first) continue;
      seen.add(unit);
      waiting.push(...this.#sourcesOf(unit));
    }
    return false;
  }

  /** Units that make what a unit reads; a kernel of several reads by their inputs, so that nothing is missed. */
  #sourcesOf(unit: Unit): Unit[] {
    const sources = new Set<Unit>();
    for (const { inputs } of unit.steps) {
      for (const input of inputs) {
        for (const value of [input, this.rootOf(input)]) {
          const place = this.#makers.get(value);
          if (place !== undefined) sources.add(this.#unitOf[place] as Unit);
        }
      }
    }
    sources.delete(unit);
    return [...sources];
  }

  /** All units, each where its last step was unless somebody needs it sooner. */
  #order(): readonly Unit[] {
    const order = new Set<Unit>();
    const add = (unit: Unit) => {
      if (order.has(unit)) return;
      this.#sourcesOf(unit).forEach(add);
      order.add(unit);
    };
    for (const [place, unit] of this.#unitOf.entries()) if (unit.places.at(-1) === place) add(unit);
    return [...order];
  }
}

/** Whether enough threads share the work: where rows are few, each is read at once and leaves only its sums. */
function isShared({ size, width, stores, loads }: FusedKernel): boolean {
  if (width === undefined || size / width >= manyRows || width <= worthRow) return true;
  const whole = loads.filter(({ shape }) => sizeOf(shape) === size);
  return width <= longRow && whole.length <= mostOfFewRows && stores.every(({ isRow }) => isRow);
}
