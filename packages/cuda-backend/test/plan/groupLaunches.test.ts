import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accessesOf } from '../../src/plan/accessesOf.ts';
import { type Argument, type Command, i32, reads, writes } from '../../src/plan/command.ts';
import { groupLaunches } from '../../src/plan/groupLaunches.ts';
import type { Region } from '../../src/plan/region.ts';
import { f32Operand, randomCommands } from './randomCommands.ts';

const ends = (command: Command, entry: number) => accessesOf(command).filter((access) => access.entry === entry);

type Held = ReadonlyMap<Region, ReadonlyMap<number, string>>;

/** What parts of regions hold in the end, as texts of how they were computed; launches of a group in a given order. */
function traced(commands: readonly Command[], isReversed = false): Held {
  const held = new Map<Region, Map<number, string>>();
  for (const command of commands) {
    if (command.kind !== 'kernel' && command.kind !== 'many') throw new Error('launches alone');
    const count = command.kind === 'many' ? command.entries.length : 1;
    const entries = Array.from({ length: count }, (_, index) => (isReversed ? count - 1 - index : index));
    for (const entry of entries) {
      const touched = ends(command, entry).filter(({ region }) => region.kind === 'arena');
      const given = touched.flatMap(({ region, isRead }) => (isRead ? [textOf(held.get(region))] : []));
      const result = digest(`${command.kernel.name}(${given.join()})`);
      for (const { region, begin, end, isWrite, isRead } of touched) {
        if (!isWrite) continue;
        const parts = held.get(region) ?? new Map<number, string>();
        if (end - begin === region.bytes && !isRead) parts.clear();
        held.set(region, parts.set(begin, digest(`${isRead ? parts.get(begin) : ''} ${result}`)));
      }
    }
  }
  return held;
}

/** Parts by their place, whichever was written first. */
function textOf(parts: ReadonlyMap<number, string> | undefined): string {
  return [...(parts ?? [])]
    .toSorted(([a], [b]) => a - b)
    .map(([begin, text]) => `${begin}:${text}`)
    .join(' ');
}

function digest(text: string): string {
  let hash = 7n;
  for (const each of text) hash = (hash * 1_000_003n + BigInt(each.charCodeAt(0))) % 2n ** 61n;
  return hash.toString(36);
}

describe('groupLaunches', () => {
  it('computes the same of the same, each launch once, in whatever order a group runs', () => {
    let joined = 0;
    fc.assert(
      fc.property(randomCommands, ({ commands }) => {
        const grouped = groupLaunches(commands);
        const launches = grouped.map((command) => (command.kind === 'many' ? command.entries.length : 1));
        expect(launches.reduce((sum, each) => sum + each, 0)).toBe(commands.length);
        joined += commands.length - grouped.length;
        const expected = partsInOrder(traced(commands));
        expect(partsInOrder(traced(grouped))).toEqual(expected);
        expect(partsInOrder(traced(grouped, true))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
    expect(joined).toBeGreaterThan(0);
  });

  it('waits with small launches until somebody needs them', () => {
    const gradients = Array.from({ length: 5 }, (_, index) => f32Operand(8, `gradient ${index}`));
    const squares = gradients.map((_, index) => f32Operand(1, `square ${index}`));
    const sum = f32Operand(1, 'sum');
    const commands = [
      ...gradients.flatMap((gradient, index) => [
        launch('other', index, [writes(gradient)]),
        launch('square', 1, [reads(gradient), writes(squares[index] as typeof sum)]),
      ]),
      launch('sum', 1, [...squares.map(reads), writes(sum)]),
    ];
    expect(groupLaunches(commands).map(describeCommand)).toEqual([
      'other of 1, 1 blocks',
      'other of 1, 2 blocks',
      'other of 1, 3 blocks',
      'other of 1, 4 blocks',
      'other of 1, 5 blocks',
      'square of 5, 2 blocks',
      'sum of 1, 2 blocks',
    ]);
  });

  it('joins launches of unequal sizes where the blocks share the work in strides, and none that touch much', () => {
    const commands = [3, 4, 900].map((blocks) => ({
      ...launch('strided', blocks - 1, [writes(f32Operand(8, 'result'))]),
      isStrided: true as const,
    }));
    expect(groupLaunches(commands).map(describeCommand)).toEqual([
      'strided of 2, 4 blocks',
      'strided of 1, 900 blocks',
    ]);
    const large = [1, 2].map(() => launch('large', 1, [writes(f32Operand(2 ** 21, 'result'))]));
    expect(groupLaunches(large).map(describeCommand)).toEqual(['large of 1, 2 blocks', 'large of 1, 2 blocks']);
  });

  it('gives the table room for every struct', () => {
    const commands = [1, 2, 3].map((value) => launch('k', 1, [writes(f32Operand(1, 'x')), i32(value)]));
    const [many] = groupLaunches(commands);
    expect(many?.kind === 'many' && many.table).toEqual({ kind: 'constant', bytes: 48, label: 'k, table of 3' });
    expect(many?.node).toBe('a step and 2 like it');
  });
});

function partsInOrder(held: Held): readonly string[] {
  return [...held].map(([{ label }, parts]) => `${label} ${textOf(parts)}`).toSorted();
}

function launch(name: string, more: number, list: readonly Argument[]): Extract<Command, { kind: 'kernel' }> {
  return {
    kind: 'kernel',
    node: 'a step',
    kernel: { file: 'f', name },
    blocks: 1 + more,
    threads: 32,
    arguments: list,
  };
}

function describeCommand(command: Command): string {
  if (command.kind !== 'many' && command.kind !== 'kernel') return command.kind;
  const count = command.kind === 'many' ? command.entries.length : 1;
  return `${command.kernel.name} of ${count}, ${command.blocks} blocks`;
}
