import { PeftError } from '@peft/core';
import { problemList, quoted } from '../problemList.ts';
import type { TensorEntry } from './tensorEntry.ts';

/** The entries in the order of their bytes, after checking that together they cover the data once and exactly. */
export function checkLayout(file: string, entries: readonly TensorEntry[], dataLength: number): readonly TensorEntry[] {
  const sorted = [...entries].sort((left, right) => left.begin - right.begin || left.end - right.end);
  refuseTruncated(file, sorted, dataLength);
  const problems: string[] = [];
  let covered = 0;
  let last = 'the header';
  for (const { name, begin, end } of sorted) {
    if (begin > covered)
      problems.push(
        `${quoted(name)} begins at byte ${begin}, and ${last} ends at ${covered}: ${begin - covered} bytes belong to no tensor`,
      );
    if (begin < covered)
      problems.push(
        `${quoted(name)} begins at byte ${begin}, and ${last} ends at ${covered}: ${Math.min(end, covered) - begin} bytes belong to both`,
      );
    if (end >= covered) {
      covered = end;
      last = quoted(name);
    }
  }
  if (covered < dataLength) {
    problems.push(
      `${last} ends at byte ${covered} of ${dataLength}: ${dataLength - covered} bytes at the end belong to no tensor`,
    );
  }
  if (problems.length > 0) {
    throw new PeftError(
      'checkpoint/layout',
      `${file}: the tensors must cover the ${dataLength} bytes after the header once and without gaps; the program that wrote the file is at fault or the file is damaged, write or fetch it again:${problemList(problems)}`,
    );
  }
  return sorted;
}

function refuseTruncated(file: string, entries: readonly TensorEntry[], dataLength: number): void {
  const beyond = entries.filter(({ end }) => end > dataLength);
  if (beyond.length === 0) return;
  throw new PeftError(
    'checkpoint/truncated',
    `${file}: ${beyond.length} of ${entries.length} tensors end beyond the ${dataLength} bytes after the header; the copy is incomplete, fetch the file again:${problemList(beyond.map(({ name, end }) => `${quoted(name)} ends at byte ${end}`))}`,
  );
}
