import { PeftError } from '@peft/ops';
import { column } from './column.ts';
import type { HostBatch } from './loss.ts';

type Labelled = { readonly labels: string; readonly ignore: number; readonly outputSize: number | undefined };

/** Refuses labels that are not int32, or no class of the model: a loss would be silently wrong. Throws `data/labels`. */
export function checkLabels(batch: HostBatch, { labels, ignore, outputSize }: Labelled): void {
  const array = column(batch, labels);
  if (array.dtype !== 'int32') {
    throw new PeftError('data/labels', `batch column "${labels}" is ${array.dtype}; class indices must be int32.`);
  }
  const limit = outputSize ?? Number.POSITIVE_INFINITY;
  const wrong = (array.data as Int32Array).findIndex((label) => label !== ignore && (label < 0 || label >= limit));
  if (wrong >= 0) {
    const range =
      outputSize === undefined
        ? 'labels are whole numbers from 0 on'
        : `the model has ${outputSize} classes, so labels are 0 to ${outputSize - 1}`;
    throw new PeftError(
      'data/labels',
      `batch column "${labels}" holds label ${array.data[wrong]} at position ${wrong}; ${range}, or ${ignore} to ignore a row.`,
    );
  }
}
