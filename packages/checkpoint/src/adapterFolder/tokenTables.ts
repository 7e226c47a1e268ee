import { layerKindOf, type Target } from '@peft/core';
import { isRecord } from '../parseJson.ts';
import { quoted } from '../problemList.ts';
import type { ModuleNames } from './moduleNames.ts';

/** What trainable_token_indices is read against. */
export type TokenContext = {
  readonly modules: readonly Target[];
  readonly inputEmbedding: string | undefined;
  readonly names: ModuleNames;
  /** The heads that share a table. */
  headsOf(table: string): readonly string[];
};

export type TokenTables = {
  /** Row numbers by the path of their table. */
  readonly tables: ReadonlyMap<string, readonly number[]>;
  /** What keeps the setting from being followed. */
  readonly problems: readonly string[];
};

const key = 'trainable_token_indices';

/**
 * The tables that trainable_token_indices means: the input embedding of a list, and for a record every module whose name
 * ends in its key, as Python looks for them. A tied head named with the rows of its table adds nothing.
 */
export function tokenTables(indices: unknown, context: TokenContext): TokenTables {
  const tables = new Map<string, readonly number[]>();
  const problems: string[] = [];
  const others: { readonly module: Target; readonly ids: readonly number[] }[] = [];
  for (const [name, ids] of asked(indices, context)) {
    const found = context.modules.filter(({ path }) => context.names.module(path).endsWith(name));
    if (found.length === 0) problems.push(`${key}: the model has no embedding whose name ends in ${quoted(name)}`);
    for (const module of found) {
      if (!layerKindOf(module).takesIds) others.push({ module, ids });
      else if (tables.has(module.path)) problems.push(`${key} names rows of ${quoted(module.path)} twice`);
      else tables.set(module.path, ids);
    }
  }
  for (const { module, ids } of others) {
    const isTied = [...tables].some(
      ([table, own]) => context.headsOf(table).includes(module.path) && `${own}` === `${ids}`,
    );
    if (!isTied)
      problems.push(
        `${key} names rows of ${quoted(module.path)}, a ${module.kind} layer: rows of a head apart from its table are not supported; merge the adapter in Python`,
      );
  }
  for (const [table, ids] of tables) {
    const rows = context.modules.find(({ path }) => path === table)?.shape[0] ?? 0;
    problems.push(...idProblems(table, ids, rows));
  }
  return { tables, problems };
}

function asked(
  indices: unknown,
  { inputEmbedding, names }: TokenContext,
): readonly (readonly [string, readonly number[]])[] {
  if (Array.isArray(indices)) {
    // Python's name where a model does not tell.
    return [[inputEmbedding === undefined ? 'embed_tokens' : names.module(inputEmbedding), indices]];
  }
  return isRecord(indices) ? (Object.entries(indices) as [string, readonly number[]][]) : [];
}

function idProblems(table: string, ids: readonly number[], rows: number): readonly string[] {
  const outside = ids.find((id) => id >= rows);
  const seen = new Set<number>();
  const twice = ids.find((id) => seen.size === seen.add(id).size);
  return [
    ids.length === 0 && `${key} lists no rows of ${quoted(table)}`,
    outside !== undefined &&
      `${key} lists row ${outside} of ${quoted(table)}, which has ${rows}: load a base whose vocabulary has grown as the one it was trained on`,
    twice !== undefined &&
      `${key} lists row ${twice} of ${quoted(table)} twice, and which of its two values counts is left open; list it once in Python`,
  ].filter((problem) => problem !== false);
}
