import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accessesOf } from '../../src/plan/accessesOf.ts';
import { checkLayout } from '../../src/plan/checkLayout.ts';
import { type Command, reads, writes } from '../../src/plan/command.ts';
import { groupLaunches } from '../../src/plan/groupLaunches.ts';
import { livesOf } from '../../src/plan/livesOf.ts';
import type { Operand } from '../../src/plan/operand.ts';
import { alignment, planMemory } from '../../src/plan/planMemory.ts';
import type { Region } from '../../src/plan/region.ts';
import { f32Operand, type RandomCommands, randomCommands } from './randomCommands.ts';

/** Most bytes that live at one time, each region alone and aligned. */
function leastBytes(commands: readonly Command[], kept: ReadonlySet<Region>): number {
  const lives = [...livesOf(commands, kept)];
  const at = commands.map((_, index) =>
    lives.reduce((sum, [{ bytes }, { first, last }]) => {
      return first <= index && index <= last ? sum + Math.ceil(bytes / alignment) * alignment : sum;
    }, 0),
  );
  return Math.max(...at);
}

/** How far the arena may be above what lives at one time. */
const mostWaste = 1.4;

describe('planMemory', () => {
  it('never lets regions that live at one time overlap, and stays near what lives at one time', () => {
    // Results over operands.
    let shared = 0;
    fc.assert(
      fc.property(randomCommands, ({ commands, kept, overwrites }) => {
        const layout = planMemory(commands, { kept, overwrites });
        checkLayout(commands, { ...layout, kept, overwrites });
        expectApart(commands, { ...layout, kept, overwrites });
        const least = leastBytes(commands, kept);
        expect(layout.arenaBytes).toBeLessThanOrEqual(mostWaste * least);
        const alone = planMemory(commands, { kept, overwrites: [] });
        expect(alone.arenaBytes).toBeGreaterThanOrEqual(least);
        expect(alone.arenaBytes).toBeLessThanOrEqual(mostWaste * least);
        const lives = livesOf(commands, kept);
        shared += overwrites.filter(
          ({ result, operand }) =>
            lives.get(operand)?.last === lives.get(result)?.first &&
            layout.offsets.get(result) === layout.offsets.get(operand),
        ).length;
        for (const offset of layout.offsets.values()) expect(offset % alignment).toBe(0);
      }),
      { numRuns: 400 },
    );
    expect(shared).toBeGreaterThan(0);
  });

  it('writes a result over an operand that dies there', () => {
    const [x, y, z] = [f32Operand(100, 'x'), f32Operand(100, 'y'), f32Operand(100, 'z')];
    const commands = [step([writes(x)]), step([reads(x), writes(y)]), step([reads(y), writes(z)])];
    const overwrites = [
      { result: y.region, operand: x.region },
      { result: z.region, operand: y.region },
    ];
    const { arenaBytes, offsets } = planMemory(commands, { kept: new Set([z.region]), overwrites });
    expect(arenaBytes).toBe(512);
    expect([...offsets.values()]).toEqual([0, 0, 0]);
  });

  it.each([
    ['is read again later', (x: Operand, y: Operand) => [step([reads(x), writes(y)]), step([reads(x), reads(y)])]],
    ['is read twice by the launch', (x: Operand, y: Operand) => [step([reads(x), reads(x), writes(y)])]],
  ])('keeps an operand apart that %s', (_, after) => {
    const [x, y] = [f32Operand(100, 'x'), f32Operand(100, 'y')];
    const commands = [step([writes(x)]), ...after(x, y)];
    const overwrites = [{ result: y.region, operand: x.region }];
    const { arenaBytes } = planMemory(commands, { kept: new Set([y.region]), overwrites });
    expect(arenaBytes).toBe(1024);
  });

  it('keeps an operand apart that another launch of the same group reads', () => {
    const [x, y, z] = [f32Operand(100, 'x'), f32Operand(100, 'y'), f32Operand(100, 'z')];
    const commands = groupLaunches([step([writes(x)]), step([reads(x), writes(y)]), step([reads(x), writes(z)])]);
    expect(commands.map(({ kind }) => kind)).toEqual(['kernel', 'many']);
    const overwrites = [{ result: z.region, operand: x.region }];
    const { arenaBytes } = planMemory(commands, { kept: new Set([y.region, z.region]), overwrites });
    expect(arenaBytes).toBe(3 * 512);
  });
});

describe('checkLayout', () => {
  const [x, y] = [f32Operand(100, 'x'), f32Operand(100, 'y')];
  const layout = { arenaBytes: 1024, kept: new Set<Region>(), overwrites: [] };
  const places = (ofX: number, ofY: number) =>
    new Map([
      [x.region, ofX],
      [y.region, ofY],
    ]);

  const refused = {
    'reads what nobody wrote': {
      commands: [step([reads(x), writes(y)])],
      offsets: places(0, 512),
      problem: 'a step reads "x", of which it finds 0 bytes',
    },
    'reads what was overwritten': {
      commands: [step([writes(x)]), step([writes(y)]), step([reads(x)])],
      offsets: places(0, 256),
      problem: 'a step reads "x", of which it finds 256 bytes',
    },
    'writes over what it reads': {
      commands: [step([writes(x)]), step([reads(x), writes(y)])],
      offsets: places(0, 256),
      problem: 'a step writes "y" over "x"',
    },
    'writes beyond the arena': {
      commands: [step([writes(x)])],
      offsets: places(900, 0),
      problem: '"x" ends beyond the arena',
    },
    'writes what has no place': {
      commands: [step([writes(f32Operand(1, 'z'))])],
      offsets: places(0, 512),
      problem: '"z" has no place',
    },
    'writes beyond its region': {
      commands: [step([writes({ ...x, offset: 8 })])],
      offsets: places(0, 512),
      problem: '"x" is touched beyond its end',
    },
  };

  it.each(Object.entries(refused))('refuses a plan that %s', (_, { commands, offsets, problem }) => {
    expect(() => checkLayout(commands, { ...layout, offsets })).toThrow(
      `internal: the memory plan is wrong; please report it:\n  ${problem}`,
    );
  });

  it('refuses a plan in which what is read at the end is gone', () => {
    const commands = [step([writes(x)]), step([writes(y)])];
    expect(() => checkLayout(commands, { ...layout, offsets: places(0, 0), kept: new Set([x.region]) })).toThrow(
      'internal: the memory plan is wrong; please report it:\n  the end reads "x", of which it finds 0 bytes',
    );
  });
});

function step(list: Extract<Command, { kind: 'kernel' }>['arguments']): Command {
  return { kind: 'kernel', node: 'a step', kernel: { file: 'f', name: 'k' }, blocks: 1, threads: 32, arguments: list };
}

interface Laid extends Pick<RandomCommands, 'kept' | 'overwrites'> {
  readonly offsets: ReadonlyMap<Region, number>;
}

/** Pair by pair: regions whose lives meet lie apart, but for a result over an operand in the one launch where they meet. */
function expectApart(commands: readonly Command[], { kept, overwrites, offsets }: Laid): void {
  const spans = new Map<Region, readonly [first: number, last: number]>();
  for (const [index, command] of commands.entries()) {
    for (const { region } of accessesOf(command)) spans.set(region, [spans.get(region)?.[0] ?? index, index]);
  }
  for (const region of kept) spans.set(region, [spans.get(region)?.[0] ?? 0, commands.length]);
  const all = [...spans];
  for (const [i, [one, [first, last]]] of all.entries()) {
    for (const [other, [begin, end]] of all.slice(i + 1)) {
      const [from, to] = [offsets.get(one) as number, offsets.get(other) as number];
      if (from + one.bytes <= to || to + other.bytes <= from) continue;
      const mayMeet = overwrites.some(({ result, operand }) => operand === one && result === other && last === begin);
      expect(last < begin || end < first || mayMeet, `${one.label} and ${other.label}`).toBe(true);
    }
  }
}
