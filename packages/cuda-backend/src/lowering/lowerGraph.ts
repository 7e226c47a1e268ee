import { sizeOf } from '@peft/core';
import type { Graph, TypedArray, Value } from '@peft/graph';
import { CudaError } from '../cudaError.ts';
import type { Command } from '../plan/command.ts';
import { type Operand, viewOf } from '../plan/operand.ts';
import type { PlannedFeed, PlannedResult } from '../plan/plan.ts';
import type { Overwrite } from '../plan/shareRegions.ts';
import { bytesPerNumber, type Storage } from '../plan/storage.ts';
import { CommandEmitter, type EmitterOptions } from './commandEmitter.ts';
import { lowerResult } from './lowerResult.ts';
import { resultRoots } from './resultRoots.ts';
import type { Step } from './step.ts';

export interface LowerOptions extends EmitterOptions {
  /** What runs instead of the graph's nodes. */
  readonly steps: readonly Step[];
  readonly storageOf: (value: Value) => Storage;
}

/** A graph as commands whose memory has no addresses yet. */
export interface LoweredGraph {
  readonly commands: readonly Command[];
  readonly weights: readonly PlannedFeed[];
  readonly state: readonly PlannedFeed[];
  readonly inputs: readonly PlannedFeed[];
  readonly results: readonly PlannedResult[];
  readonly overwrites: readonly Overwrite[];
}

/** Lowers each step in order. @throws CudaError `cuda/internal` for steps that read what none has made */
export function lowerGraph(graph: Graph, { steps, storageOf, ...options }: LowerOptions): LoweredGraph {
  const emit = new CommandEmitter(options);
  const operands = new Map<Value, Operand>();
  const { state, inputs } = lowerFeeds(graph, { emit, operands, storageOf });
  const roots = resultRoots(graph, steps);
  const overwrites: Overwrite[] = [];
  for (const step of steps) {
    emit.begin(step.label);
    const read = step.inputs.map((input) => operandOf(input, operands, step.label));
    const parts = partsOf(step, read[0], storageOf);
    const made = step.outputs.map((output, place) => {
      if (parts) return parts[place] as Operand;
      if (step.isView) return viewOf(read[0] as Operand, output.shape);
      const kind = roots.has(output) ? 'result' : 'arena';
      const made = emit.allocate(output, { storage: storageOf(output), kind, label: step.label });
      if (place === 0) overwrites.push(...overwritesOf(step, read, made));
      return made;
    });
    for (const [place, output] of step.outputs.entries()) operands.set(output, made[place] as Operand);
    if (!step.isView && !parts) step.lower({ inputs: read, outputs: made, emit });
  }
  const passed = new Map(graph.inputs.map(({ name, value }) => [name, value]));
  const results = graph.outputs
    .filter(({ name, value }) => passed.get(name) !== value)
    .map(({ name, value }) => lowerResult(name, operandOf(value, operands, `output "${name}"`), emit));
  return { commands: emit.commands, weights: [...emit.weights.values()], state, inputs, results, overwrites };
}

interface Known {
  readonly emit: CommandEmitter;
  readonly operands: Map<Value, Operand>;
  readonly storageOf: (value: Value) => Storage;
}

/** Memory of what a run is given. */
function lowerFeeds({ inputs, parameters, constants }: Graph, { emit, operands, storageOf }: Known) {
  const feeds = inputs.map(({ name, value }) => {
    const kind = name.startsWith('state/') ? ('state' as const) : ('input' as const);
    const operand = emit.allocate(value, { storage: storageOf(value), kind, label: name });
    operands.set(value, operand);
    return { kind, path: name.slice(name.indexOf('/') + 1), operand };
  });
  for (const { name, value } of parameters) operands.set(value, emit.weight(name, value, storageOf(value)));
  for (const { value, data } of constants) operands.set(value, emit.constant(arrayOf(value, data), value.shape));
  const of = (wanted: 'state' | 'input') =>
    feeds.flatMap(({ kind, path, operand }) => (kind === wanted ? [{ path, operand }] : []));
  return { state: of('state'), inputs: of('input') };
}

function arrayOf({ shape, dtype }: Value, data: number | TypedArray): TypedArray {
  if (typeof data !== 'number') return data;
  const size = sizeOf(shape);
  const kinds = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };
  return new kinds[dtype](size).fill(data);
}

/** Bytes of the widest access of a kernel. */
const accessBytes = 16;

/** The outputs as memory of the input, where each begins at a whole access. */
function partsOf(
  { parts, outputs }: Step,
  whole: Operand | undefined,
  storageOf: (value: Value) => Storage,
): readonly Operand[] | undefined {
  if (!parts || !whole || outputs.some((output) => storageOf(output) !== whole.storage)) return undefined;
  const offsets = parts.map((numbers) => numbers * bytesPerNumber(whole.storage));
  if (offsets.some((offset) => (whole.offset + offset) % accessBytes !== 0)) return undefined;
  return outputs.map(({ shape }, place) => viewOf(whole, shape, offsets[place]));
}

function overwritesOf({ inPlace = [] }: Step, read: readonly Operand[], made: Operand): readonly Overwrite[] {
  return inPlace.flatMap((place) => {
    const operand = read[place];
    const fits =
      operand?.region.kind === 'arena' &&
      operand.offset === 0 &&
      operand.region.bytes === made.region.bytes &&
      operand.storage === made.storage;
    return fits && made.region.kind === 'arena' ? [{ result: made.region, operand: operand.region }] : [];
  });
}

function operandOf(value: Value, operands: ReadonlyMap<Value, Operand>, who: string): Operand {
  const operand = operands.get(value);
  if (operand) return operand;
  const what = `${value.dtype}[${value.shape}]`;
  throw new CudaError(
    'cuda/internal',
    `internal: ${who} reads ${what}, which no step before it makes; please report it.`,
  );
}
