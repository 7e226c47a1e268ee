import { sizeOf } from '@peft/core';
import type { Node, Value } from '@peft/graph';
import { elementCall } from '../lowering/elementCall.ts';
import { expandedNodes } from './expandedNodes.ts';
import {
  broadcastMap,
  composed,
  type IndexMap,
  identityMap,
  isConstant,
  keyOfMap,
  mapOf,
  splitAt,
} from './indexMap.ts';
import { readMap } from './readMap.ts';
import { type RowReduction, rowReduction } from './rowReduction.ts';
import type { Term, TermType } from './term.ts';

/** A value that a group stores. */
export interface Store {
  readonly value: Value;
  readonly term: Term;
  /** Whether there is one number a row. */
  readonly isRow: boolean;
}

/** A group of nodes as the terms of one kernel over `size` numbers, in rows of `width` where it reduces rows. */
export interface Traced {
  readonly size: number;
  readonly width: number | undefined;
  readonly stores: readonly Store[];
}

export interface TraceOptions {
  readonly nodes: readonly Node[];
  /** Values that must be in memory afterwards. */
  readonly stored: readonly Value[];
  /** Whether a value lies in memory as bf16. */
  readonly isNarrow: (value: Value) => boolean;
  /** The value whose memory this one shows: itself, unless it is a view. */
  readonly rootOf: (value: Value) => Value;
  /** The number that fills a constant. */
  readonly numberOf: (value: Value) => number | undefined;
  /** A node outside whose result costs less to make again than to read. */
  readonly cheapMakerOf: (value: Value) => Node | undefined;
}

/** Why a group is no kernel; caught here alone. */
class Unfit extends Error {}

/** The group as terms; undefined where it is no one kernel. */
export function traceGroup(options: TraceOptions): Traced | undefined {
  try {
    return new Tracer(options).trace();
  } catch (error) {
    if (error instanceof Unfit) return undefined;
    throw error;
  }
}

class Tracer {
  readonly #options: TraceOptions;
  readonly #makers = new Map<Value, Node>();
  readonly #reductions = new Map<Node, RowReduction>();
  readonly #terms = new Map<Value, Map<string, Term>>();
  readonly #size: number;
  readonly #width: number | undefined;

  constructor(options: TraceOptions) {
    this.#options = options;
    for (const node of options.nodes.flatMap(expandedNodes)) {
      for (const output of node.outputs) this.#makers.set(output, node);
      const reduction = rowReduction(node);
      if (reduction) this.#reductions.set(node, reduction);
    }
    const [widths, sizes] = [new Set<number>(), new Set<number>()];
    for (const [node, { width }] of this.#reductions) {
      widths.add(width);
      sizes.add(sizeOf((node.inputs[0] as Value).shape));
    }
    if (widths.size > 1 || sizes.size > 1) throw new Unfit();
    [this.#width] = widths;
    this.#size = [...sizes][0] ?? Math.max(0, ...options.stored.map(({ shape }) => sizeOf(shape)));
  }

  trace(): Traced {
    const [size, width] = [this.#size, this.#width];
    if (size === 0) throw new Unfit();
    const stores = this.#options.stored.map((value): Store => {
      const count = sizeOf(value.shape);
      if (count === size) return { value, term: this.#at(value, identityMap(size)), isRow: false };
      if (width === undefined || count !== size / width) throw new Unfit();
      const byRow = mapOf([
        { length: count, step: 1 },
        { length: width, step: 0 },
      ]);
      const term = this.#at(value, byRow);
      if (!term.isShared) throw new Unfit();
      return { value, term, isRow: true };
    });
    return { size, width, stores };
  }

  /** The number of a value at the place that a map gives. */
  #at(given: Value, map: IndexMap): Term {
    const value = this.#makers.has(given) ? given : this.#options.rootOf(given);
    const known = this.#terms.get(value) ?? new Map<string, Term>();
    this.#terms.set(value, known);
    const key = keyOfMap(map);
    const term = known.get(key) ?? this.#asStored(value, this.#make(value, map));
    known.set(key, term);
    return term;
  }

  /** What others read is the same number here as there: Equal(x, Max(x)) must not depend on who asks. */
  #asStored(value: Value, term: Term): Term {
    const { stored, isNarrow } = this.#options;
    if (!stored.includes(value) || !isNarrow(value)) return term;
    const { isShared, stage } = term;
    return { kind: 'rounded', of: term, type: 'float', isShared, stage };
  }

  #make(value: Value, map: IndexMap): Term {
    const number = this.#options.numberOf(value);
    if (number !== undefined) return literal(number, typeOf(value));
    const node = this.#makers.get(value) ?? this.#options.cheapMakerOf(value);
    if (!node) return { kind: 'load', value, map, type: typeOf(value), isShared: this.#isShared(map), stage: 0 };
    const reduction = this.#reductions.get(node);
    if (reduction) return this.#reduce(node, reduction, map);
    if (node.op === 'PeftDropout') return this.#drop(node, value, map);
    if (node.op === 'AddN') return this.#add(node, map);
    if (node.op === 'Range') return this.#range(node, map);
    const moved = readMap(node);
    if (moved) return this.#through(node, { place: 0, map, by: moved });
    return this.#compute(node, value, map);
  }

  #isShared(map: IndexMap): boolean {
    if (this.#width === undefined) return isConstant(map);
    const parts = splitAt(this.#width, map);
    return parts !== undefined && isConstant(parts[1]);
  }

  #through(node: Node, { place, map, by }: { place: number; map: IndexMap; by: IndexMap }): Term {
    const whole = composed(map, by);
    if (!whole) throw new Unfit();
    return this.#at(node.inputs[place] as Value, whole);
  }

  #operand(node: Node, place: number, map: IndexMap): Term {
    const input = node.inputs[place] as Value;
    const output = node.outputs[0] as Value;
    return this.#through(node, { place, map, by: broadcastMap(input.shape, output.shape) });
  }

  #compute(node: Node, value: Value, map: IndexMap): Term {
    const call = elementCall(node, value);
    if (!call) throw new Unfit();
    if (call.name === 'Fill') return literal(call.attributes[0] as number, typeOf(value));
    const operands = call.operands.map((place) => this.#operand(node, place, map));
    return { kind: 'computed', ...call, operands, type: typeOf(value), ...after(operands) };
  }

  #add(node: Node, map: IndexMap): Term {
    const [first, ...rest] = node.inputs.map((_, place) => this.#operand(node, place, map)) as [Term, ...Term[]];
    return rest.reduce((sum, each) => computed('Add', [sum, each]), first);
  }

  #range(node: Extract<Node, { op: 'Range' }>, map: IndexMap): Term {
    const { start, step, dtype } = node.attributes;
    const place: Term = { kind: 'place', map, type: 'i32', isShared: this.#isShared(map), stage: 0 };
    const type = dtype === 'float32' ? 'float' : 'i32';
    const index = type === 'float' ? computed('CastToFloat', [place], type) : place;
    return computed('Add', [computed('Multiply', [index, literal(step, type)]), literal(start, type)]);
  }

  #drop(node: Extract<Node, { op: 'PeftDropout' }>, value: Value, map: IndexMap): Term {
    const isShared = this.#isShared(map);
    const place: Term = { kind: 'place', map, type: 'i32', isShared, stage: 0 };
    const { rate } = node.attributes;
    const key = this.#options.rootOf(node.inputs[1] as Value);
    const mask: Term = { kind: 'mask', key, rate, place, type: 'float', isShared, stage: 0 };
    if (value === node.outputs[1]) return mask;
    return computed('Multiply', [this.#at(node.inputs[0] as Value, map), mask]);
  }

  #reduce(node: Node, { op, width, isMean }: RowReduction, map: IndexMap): Term {
    const [outer, inner] = splitAt(width, map) ?? [];
    const rows = keyOfMap(identityMap(this.#size / width));
    if (!outer || !inner || !isConstant(inner) || keyOfMap(outer) !== rows) throw new Unfit();
    const of = this.#at(node.inputs[0] as Value, identityMap(this.#size));
    const reduced: Term = { kind: 'reduced', op, of, type: 'float', isShared: true, stage: of.stage + 1 };
    return isMean ? computed('RealDiv', [reduced, literal(width, 'float')]) : reduced;
  }
}

function typeOf({ dtype }: Value): TermType {
  return dtype === 'float32' ? 'float' : 'i32';
}

function literal(number: number, type: TermType): Term {
  return { kind: 'literal', number, type, isShared: true, stage: 0 };
}

function computed(
  name: 'Add' | 'CastToFloat' | 'Multiply' | 'RealDiv',
  operands: readonly Term[],
  to?: TermType,
): Term {
  const type = to ?? (operands[0] as Term).type;
  return { kind: 'computed', name, operands, attributes: [], type, ...after(operands) };
}

function after(operands: readonly Term[]): Pick<Term, 'isShared' | 'stage'> {
  return {
    isShared: operands.every(({ isShared }) => isShared),
    stage: Math.max(0, ...operands.map(({ stage }) => stage)),
  };
}
