import { sizeOf } from '@peft/core';
import type { Node, Value } from '@peft/graph';
import type { Step, StepContext } from '../lowering/step.ts';
import { bytesPerNumber } from '../plan/storage.ts';
import { isCheap, isElement, isFusable } from './fusableNode.ts';
import { type FusedKernel, fusedKernel } from './fusedKernel.ts';
import { traceGroup } from './traceGroup.ts';
import { outputsOf, readsOf, type Unit } from './unit.ts';

/** As many bytes as a device moves in the time that one launch takes. */
const launchBytes = 4 * 2 ** 20;

/** Numbers from which an operation on elements alone is worth a kernel of its own text. */
const worthNumbers = 2 ** 15;

/** Rows that fill a device; of fewer, a block has little help from others. */
const manyRows = 64;
const longRow = 2 ** 15;
const worthRow = 2 ** 10;

/** Puts steps together into units, each of which is one kernel, in an order in which they can run. */
export class StepGroups {
  readonly #steps: readonly Step[];
  readonly #context: StepContext;
  readonly #unitOf: Unit[];
  readonly #roots = new Map<Value, Value>();
  readonly #makers = new Map<Value, number>();
  readonly #readers = new Map<Value, number[]>();
  /** Of each step: the places of those that make what it reads, however they show it. */
  readonly #sources: readonly (readonly number[])[];
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
    this.#sources = steps.map(({ inputs }) => [
      ...new Set(inputs.flatMap((input) => this.#makers.get(this.rootOf(input)) ?? [])),
    ]);
    this.#returned = new Set([...context.returned].map((value) => this.rootOf(value)));
  }

  readonly rootOf = (value: Value): Value => this.#roots.get(value) ?? value;

  /** Joins every step to those that make what it reads, where that is one kernel and moves no more. */
  join(): void {
    for (const [place, step] of this.#steps.entries()) {
      if (!this.#mayFuse(step)) continue;
      for (const source of this.#sources[place] as readonly number[]) {
        if (!this.#mayFuse(this.#steps[source] as Step)) continue;
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
      keep({ ...unit, kernel: kernel ?? unit.kernel });
    }
    return kept;
  }

  #mayFuse({ node, isView, parts }: Step): boolean {
    return node !== undefined && !isView && !parts && isFusable(node);
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
    const waiting: Unit[] = [];
    const visit = (unit: Unit) => {
      for (const place of unit.places) {
        for (const source of this.#sources[place] as readonly number[]) {
          const each = this.#unitOf[source] as Unit;
          if (seen.has(each) || (each.places.at(-1) as number) < first) continue;
          if (each === above && unit === below) continue;
          seen.add(each);
          waiting.push(each);
        }
      }
    };
    visit(below);
    for (let unit = waiting.pop(); unit; unit = waiting.pop()) {
      if (unit === above) return true;
      visit(unit);
    }
    return false;
  }

  /** All units, each where its last step was unless somebody needs it sooner. */
  #order(): readonly Unit[] {
    const order = new Set<Unit>();
    const add = (unit: Unit) => {
      if (order.has(unit)) return;
      // A kernel needs no view of what it reads or makes itself.
      const read = unit.steps.flatMap(({ inputs }) => (unit.kernel ? inputs.map(this.rootOf) : inputs));
      const sources = new Set(read.flatMap((value) => this.#makers.get(value) ?? []));
      for (const source of sources) if (this.#unitOf[source] !== unit) add(this.#unitOf[source] as Unit);
      order.add(unit);
    };
    for (const [place, unit] of this.#unitOf.entries()) if (unit.places.at(-1) === place) add(unit);
    return [...order];
  }
}

/** Whether enough threads share the work: where rows are few and long, a kernel sums each once and leaves the rest to others. */
function isShared({ size, width, stores, sums }: FusedKernel): boolean {
  if (width === undefined || size / width >= manyRows || width <= worthRow) return true;
  return width <= longRow && sums === 1 && stores.every(({ isRow }) => isRow);
}
