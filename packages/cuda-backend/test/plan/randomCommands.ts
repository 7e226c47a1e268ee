import fc from 'fast-check';
import type { Argument, Command } from '../../src/plan/command.ts';
import { i32, reads, updates, writes } from '../../src/plan/command.ts';
import type { Operand } from '../../src/plan/operand.ts';
import type { Region } from '../../src/plan/region.ts';
import type { Overwrite } from '../../src/plan/shareRegions.ts';

export interface RandomCommands {
  readonly commands: readonly Command[];
  readonly kept: ReadonlySet<Region>;
  readonly overwrites: readonly Overwrite[];
}

const drawn = fc.record({
  /** Numbers of the result, which is a new region. */
  count: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 60, max: 3000 }), fc.constant(500)),
  /** Earlier results that are read, counted from the last. */
  reads: fc.array(fc.nat(12), { maxLength: 3 }),
  kernel: fc.nat(3),
  isKept: fc.integer({ min: 0, max: 9 }).map((each) => each === 0),
  /** Whether the result may be written over the first operand. */
  isInPlace: fc.boolean(),
  /** Whether an earlier result is changed too. */
  isUpdate: fc.integer({ min: 0, max: 7 }).map((each) => each === 0),
  /** Whether it is written in two parts by two launches. */
  isInParts: fc.integer({ min: 0, max: 4 }).map((each) => each === 0),
});

/** Lists of launches that read what earlier ones wrote, with results of all sizes. */
export const randomCommands: fc.Arbitrary<RandomCommands> = fc
  .array(drawn, { minLength: 1, maxLength: 60 })
  .map((list) => {
    const made: Operand[] = [];
    const commands: Command[] = [];
    const kept = new Set<Region>();
    const overwrites: Overwrite[] = [];
    for (const [index, each] of list.entries()) {
      const picked = made.length === 0 ? [] : each.reads.map((back) => made[Math.max(0, made.length - 1 - back)]);
      const operands = picked.flatMap((operand) => operand ?? []);
      const result = f32Operand(each.count, `r${index}`);
      const first = operands[0];
      if (each.isInPlace && first && first.region.bytes === result.region.bytes) {
        overwrites.push({ result: result.region, operand: first.region });
      }
      const changed = each.isUpdate && made.length > 0 ? [made[(index * 7) % made.length] as Operand] : [];
      const parts = each.isInParts && each.count > 1 ? halves(result) : [result];
      for (const part of parts) {
        const untouched = operands.filter((operand) => !changed.includes(operand));
        commands.push(launch(each.kernel, [...untouched.map(reads), ...changed.map(updates), writes(part)]));
      }
      made.push(result);
      if (each.isKept) kept.add(result.region);
    }
    return { commands, kept, overwrites };
  });

function launch(kernel: number, list: readonly Argument[]): Command {
  const reference = { file: 'random', name: `kernel${kernel}` };
  return {
    kind: 'kernel',
    node: `kernel${kernel}`,
    kernel: reference,
    blocks: 1,
    threads: 32,
    arguments: [...list, i32(7)],
  };
}

export function f32Operand(count: number, label: string): Operand {
  const region: Region = { kind: 'arena', bytes: 4 * count, label };
  return { shape: [count], dtype: 'float32', storage: 'f32', region, offset: 0 };
}

function halves(operand: Operand): readonly Operand[] {
  const [count] = operand.shape as readonly [number];
  const half = Math.floor(count / 2);
  return [
    { ...operand, shape: [half] },
    { ...operand, shape: [count - half], offset: 4 * half },
  ];
}
