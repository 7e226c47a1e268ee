import type { HostTensor, Node } from '@peft/graph';
import { evaluateNode } from '@peft/graph/test';
import { expect } from 'vitest';
import { CommandEmitter } from '../../src/lowering/commandEmitter.ts';
import { cudaRowOf } from '../../src/lowering/cudaTable.ts';
import type { Command } from '../../src/plan/command.ts';
import type { Operand } from '../../src/plan/operand.ts';
import { parametersOf } from '../../src/plan/parametersOf.ts';
import type { Region } from '../../src/plan/region.ts';
import type { Storage } from '../../src/plan/storage.ts';
import { HostExecutor } from '../simulator/hostExecutor.ts';
import type { ThreadOrder } from '../simulator/hostRuntime.ts';
import { simulatedDescription } from '../simulator/simulatedDescription.ts';
import { asStored } from '../simulator/storedNumbers.ts';

export interface RowOptions {
  /** Storage of float inputs, all alike or by place; f32 without it. */
  readonly inputs?: Storage | readonly Storage[];
  /** Storage of float outputs that the row does not call exact; f32 without it. */
  readonly outputs?: Storage | readonly Storage[];
  /** Whether products go to the product library, as where cuBLASLt is there; true without it. */
  readonly hasProductLibrary?: boolean;
  /** Place of the input over which the first output is written. */
  readonly inPlace?: number;
  readonly orders?: readonly ThreadOrder[];
  /** Largest difference, relative to the largest number of the tensor; see `tolerances`. */
  readonly tolerance?: number;
  /** What the largest number counts as at least: the size of terms that may cancel; 0 without it. */
  readonly leastScale?: number;
}

/** f32: sums of a few thousand terms in another order. bf16: half a unit in the last of its eight bits, twice over. */
export const tolerances = { f32: 1e-5, bf16: 2 ** -8 } as const;

const allOrders: readonly ThreadOrder[] = ['forward', 'reverse', { seed: 1 }];

/**
 * Lowers one node, runs it on the host in several orders of its threads, and compares each output with the float64
 * reference of its operation on the inputs as they are stored; all orders must give the same bits, in the second of which
 * kernels run by their `Many` twins.
 */
export function expectRow(node: Node, inputs: readonly HostTensor[], options: RowOptions = {}): void {
  const { orders = allOrders, inPlace } = options;
  const row = cudaRowOf(node.op);
  if (!row) throw new Error(`${node.op} has no row in cudaTable.`);
  if (row.isView) return;
  const at = (storages: RowOptions['inputs'], place: number) =>
    (typeof storages === 'object' ? storages[place] : storages) ?? 'f32';
  const inputStorage = (place: number): Storage => storageOf(inputs[place] as HostTensor, at(options.inputs, place));
  const stored = inputs.map((input, place) => ({ ...input, data: asStored(input.data, inputStorage(place)) }));
  const expected = evaluateNode(node, stored);

  const emit = new CommandEmitter({
    device: simulatedDescription,
    precision: 'float32',
    hasProductLibrary: options.hasProductLibrary ?? true,
  });
  emit.begin(node.op);
  const given = inputs.map((input, place) =>
    emit.allocate(input, { storage: inputStorage(place), kind: 'input', label: `input ${place}` }),
  );
  const made = node.outputs.map((output, place): Operand => {
    if (place === 0 && inPlace !== undefined) return { ...(given[inPlace] as Operand), shape: output.shape };
    const storage = storageOf(output, row.exact?.includes(place) ? 'f32' : at(options.outputs, place));
    return emit.allocate(output, { storage, kind: 'arena', label: `output ${place}` });
  });
  row.lower({ inputs: given, attributes: node.attributes as never, outputs: made, emit });

  const results = orders.map((order, index) => {
    const executor = new HostExecutor({ isStrict: true });
    for (const [place, operand] of given.entries()) executor.write(operand, (stored[place] as HostTensor).data);
    executor.run(index === 1 ? emit.commands.map(asOneOfSeveral) : emit.commands, order);
    const read = made.map((operand) => executor.readBytes(operand));
    const numbers = made.map((operand) => executor.read(operand));
    executor.close();
    return { order, read, numbers };
  });
  const isNarrow = [...given, ...made].some(({ storage }) => storage === 'bf16');
  const tolerance = options.tolerance ?? (isNarrow ? tolerances.bf16 : tolerances.f32);
  for (const [place, operand] of made.entries()) {
    const what = `output ${place} of ${describeNode(node, given, made)}`;
    for (const { order, read } of results) {
      const [same, first] = [read[place] as Uint8Array, results[0]?.read[place] as Uint8Array];
      const where = `${what}, order ${JSON.stringify(order)}`;
      expect(Buffer.compare(same, first), `${where} gives other bits than ${JSON.stringify(orders[0])}`).toBe(0);
    }
    const numbers = results[0]?.numbers[place] as ArrayLike<number>;
    expectNear(numbers, expected[place] as ArrayLike<number>, {
      what,
      tolerance: operand.dtype === 'float32' ? tolerance : 0,
      leastScale: options.leastScale ?? 0,
    });
  }
}

/** A launch by the twin of its kernel that runs several at once. */
function asOneOfSeveral(command: Command): Command {
  if (command.kind !== 'kernel') return command;
  const { node, kernel, threads, blocks, sharedBytes } = command;
  const entries = [command.arguments];
  const table: Region = {
    kind: 'constant',
    bytes: parametersOf(command.arguments, () => 0n).bytes.length,
    label: 'the table of a launch of several',
  };
  return { kind: 'many', node, kernel, threads, blocks, entries, table, ...(sharedBytes ? { sharedBytes } : {}) };
}

interface Nearness {
  readonly what: string;
  /** Relative to the largest number. */
  readonly tolerance: number;
  readonly leastScale?: number;
}

/** Compares whole tensors; what is infinite or NaN in one is so in the other. */
export function expectNear(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { what, tolerance, leastScale = 0 }: Nearness,
): void {
  expect(actual.length, what).toBe(expected.length);
  let scale = leastScale;
  for (let i = 0; i < expected.length; i++) {
    const size = Math.abs(expected[i] as number);
    if (Number.isFinite(size)) scale = Math.max(scale, size);
  }
  for (let i = 0; i < expected.length; i++) {
    const [found, wanted] = [Number(actual[i]), Number(expected[i])];
    if (Object.is(found, wanted) || found === wanted) continue;
    const isNear = Math.abs(found - wanted) <= tolerance * scale;
    if (!isNear) expect.fail(`${what}: [${i}] is ${found}, not ${wanted} (scale ${scale}, tolerance ${tolerance})`);
  }
}

function storageOf({ dtype }: Pick<HostTensor, 'dtype'>, float: Storage): Storage {
  return dtype === 'int32' ? 'i32' : dtype === 'bool' ? 'u8' : float;
}

function describeNode({ op, attributes }: Node, given: readonly Operand[], made: readonly Operand[]): string {
  const types = (operands: readonly Operand[]) =>
    operands.map(({ storage, shape }) => `${storage}[${shape}]`).join(', ');
  return `${op} ${JSON.stringify(attributes)} (${types(given)}) -> (${types(made)})`;
}
