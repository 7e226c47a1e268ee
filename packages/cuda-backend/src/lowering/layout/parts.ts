import { sizeOf } from '@peft/core';
import { type Argument, i32, nothing, reads, u32, writes } from '../../plan/command.ts';
import type { Operand } from '../../plan/operand.ts';
import { division } from '../division.ts';
import type { Emitter } from '../emitter.ts';
import { mostPlaces } from '../mostPlaces.ts';
import { streamBlocks } from '../streamBlocks.ts';
import { copyStrided } from './copyStrided.ts';
import { unitOf } from './unit.ts';

/** Parts [rows, width] that lie side by side in a whole [rows, sum of widths]. */
export interface Parts {
  readonly whole: Operand;
  readonly parts: readonly Operand[];
  readonly rows: number;
}

interface Part {
  readonly operand: Operand;
  readonly width: number;
  /** Where it begins in a row of the whole. */
  readonly start: number;
}

interface Side {
  readonly whole: Operand;
  readonly rows: number;
  readonly pitch: number;
  readonly isJoin: boolean;
}

const mostParts = 64;
const threads = 256;

/** Writes parts into the whole, up to 64 a launch. */
export function joinParts(emit: Emitter, parts: Parts): void {
  move(emit, parts, true);
}

/** Reads parts from the whole, up to 64 a launch. */
export function splitParts(emit: Emitter, parts: Parts): void {
  move(emit, parts, false);
}

function move(emit: Emitter, { whole, parts, rows }: Parts, isJoin: boolean): void {
  let pitch = 0;
  const placed = parts.map((operand): Part => {
    const width = sizeOf(operand.shape) / rows;
    pitch += width;
    return { operand, width, start: pitch - width };
  });
  const side = { whole, rows, pitch, isJoin };
  const filled = placed.filter(({ width }) => width > 0);
  for (const large of filled.filter((part) => isLarge(part, rows))) moveAlone(emit, large, side);
  for (const storage of ['f32', 'bf16', 'i32', 'u8'] as const) {
    const alike = filled.filter((part) => part.operand.storage === storage && !isLarge(part, rows));
    for (let first = 0; first < alike.length; first += mostParts) {
      moveTogether(emit, alike.slice(first, first + mostParts), side);
    }
  }
}
const isLarge = ({ width }: Part, rows: number) => width * rows >= mostPlaces;

function moveAlone(emit: Emitter, { operand, width, start }: Part, { whole, rows, pitch, isJoin }: Side): void {
  const [inPart, inWhole] = [denseAxes(rows, width, width), denseAxes(rows, width, pitch)];
  const axes = inPart.map(({ length, step }, axis) => {
    const other = inWhole[axis]?.step as number;
    return isJoin ? { length, from: step, to: other } : { length, from: other, to: step };
  });
  copyStrided(
    emit,
    isJoin ? { from: operand, to: whole, axes, toStart: start } : { from: whole, to: operand, axes, fromStart: start },
  );
}

const denseAxes = (rows: number, width: number, pitch: number) => [
  { length: rows, step: pitch },
  { length: width, step: 1 },
];

function moveTogether(emit: Emitter, parts: readonly Part[], { whole, rows, pitch, isJoin }: Side): void {
  const units = parts.map(({ operand, width, start }) => {
    const counts = rows === 1 ? [width, start] : [width, start, pitch];
    return isJoin ? unitOf(operand, whole, counts) : unitOf(whole, operand, counts);
  });
  const unit = units.reduce((least, each) => (each.numbers < least.numbers ? each : least));
  let blocks = 0;
  const firstBlocks = parts.map(({ width }) => {
    const places = (rows * width) / unit.numbers;
    const first = blocks;
    blocks += streamBlocks(emit.device, { places, threads, perThread: 4 });
    return first;
  });
  const perPart = (argumentsOf: (part: Part | undefined, index: number) => readonly Argument[]) =>
    Array.from({ length: mostParts }, (_, index) => argumentsOf(parts[index], index)).flat();
  emit.kernel({
    kernel: { file: 'layout', name: 'moveParts' },
    blocks,
    threads,
    arguments: [
      ...perPart((part) => [part ? (isJoin ? reads : writes)(part.operand) : nothing]),
      (isJoin ? writes : reads)(whole),
      ...perPart((_, index) => [u32(firstBlocks[index] ?? 0)]),
      ...perPart((part) => [u32((part?.start ?? 0) / unit.numbers)]),
      ...perPart((part) => division((part?.width ?? unit.numbers) / unit.numbers)),
      i32(parts.length),
      u32(rows),
      u32(rows === 1 ? 0 : pitch / unit.numbers),
      i32(Number(isJoin)),
      i32(unit.tag),
    ],
  });
}
