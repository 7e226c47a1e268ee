import { type AnyModel, PeftError } from '@peft/core';
import type { AdapterChoice, ChosenWeights } from './adapterChoice.ts';

/** Rows of a batch that have one choice in common. */
export type RowGroup = { readonly weights: ChosenWeights; readonly rows: readonly number[] };

/** The rows by what they choose, in the order in which a choice first comes. */
export function groupRows(
  rows: readonly (AdapterChoice | undefined)[],
  weightsOf: (choice: AdapterChoice) => ChosenWeights,
): readonly RowGroup[] {
  if (rows.length === 0) {
    throw new PeftError('adapters/rows', 'adapterSet: rows is empty; name an adapter, or undefined, for each row.');
  }
  const groups = new Map<string, { readonly weights: ChosenWeights; readonly rows: number[] }>();
  for (const [row, choice] of rows.entries()) {
    const weights = weightsOf(choice === undefined ? [] : choice);
    const key = JSON.stringify([...weights]);
    const group = groups.get(key) ?? { weights, rows: [] };
    group.rows.push(row);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/**
 * The names of a batch's tensors that have one row for each of `count`; the others are those whose first axis the model's
 * `inputs` state as a number. Throws `adapters/rows` with every tensor of another length.
 */
export function tensorsWithRows(
  { inputs }: AnyModel,
  batch: Readonly<Record<string, { readonly shape: readonly number[] }>>,
  count: number,
): ReadonlySet<string> {
  const isShared = (name: string) => {
    const stated = inputs && Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    return stated !== undefined && typeof stated.shape[0] !== 'string';
  };
  const entries = Object.entries(batch).filter(([name]) => !isShared(name));
  const wrong = entries.filter(([, { shape }]) => shape[0] !== count);
  if (wrong.length === 0) return new Set(entries.map(([name]) => name));
  const list = wrong.map(([name, { shape }]) => `"${name}" [${shape}]`).join(', ');
  throw new PeftError(
    'adapters/rows',
    `adapterSet: rows chooses for ${count} rows, but ${list} ${wrong.length === 1 ? 'has' : 'have'} another length; give each row its choice, or state a fixed first axis in the model's inputs.`,
  );
}

/** Refuses an output that does not have one row for each of the batch. Throws `adapters/rows`. */
export function requireOutputRows(shape: readonly number[], count: number): void {
  if (shape[0] === count) return;
  throw new PeftError(
    'adapters/rows',
    `adapterSet: the model's output for ${count} rows has shape [${shape}], so which row is whose is not known; let its first axis be that of the batch.`,
  );
}

/** For each row of the batch, its place where the groups' outputs follow each other. */
export function placesOfRows(groups: readonly RowGroup[]): Int32Array {
  const order = groups.flatMap(({ rows }) => rows);
  const places = new Int32Array(order.length);
  for (const [place, row] of order.entries()) places[row] = place;
  return places;
}
