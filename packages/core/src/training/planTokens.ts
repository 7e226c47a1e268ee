import { layerKindOf } from '../layerKind.ts';
import type { AnyModel } from '../model.ts';
import type { Target } from '../target.ts';
import { tiedHeads } from '../tiedHeads.ts';
import type { TokenTable } from '../tokenRows.ts';
import type { FineTuneOptions } from './fineTune.ts';
import { isUnder } from './isUnder.ts';
import type { Problems } from './problems.ts';

/** Rows to train: of the model's input embedding, or by the path of their table or its end. */
export type TrainableTokens = readonly number[] | Readonly<Record<string, readonly number[]>>;

/** The rows asked of one table. */
type Asked = { readonly table: Target; readonly ids: readonly number[] };

type Call = {
  /** What the strategy adapts. */
  readonly targets: readonly Target[];
  readonly problems: Problems;
};

/** The tables of which rows train, by path. */
export function planTokens(
  model: AnyModel,
  options: FineTuneOptions,
  { targets, problems }: Call,
): Readonly<Record<string, TokenTable>> {
  const refuse = (message: string) => problems.when(true, message);
  const asked = askedTables(model, options.trainableTokens, refuse);
  const tables = new Map<string, TokenTable>();
  for (const { table, ids } of asked) {
    const { path } = table;
    if (tables.has(path)) refuse(`trainableTokens names rows of "${path}" twice; put them in one list.`);
    checkIds(table, ids, refuse);
    const heads = tiedHeads(model, path);
    tables.set(path, { ids: [...ids], heads });
    checkRivals({ path, heads }, { options, targets, refuse });
  }
  return Object.fromEntries(tables);
}

function askedTables(
  model: AnyModel,
  tokens: TrainableTokens | undefined,
  refuse: (message: string) => void,
): readonly Asked[] {
  if (tokens === undefined) return [];
  const tables = model.targets.filter((target) => layerKindOf(target).takesIds);
  const known = `the model's embeddings are ${tables.map(({ path }) => `"${path}"`).join(', ') || 'none'}`;
  if (Array.isArray(tokens)) {
    const table = tables.find(({ path }) => path === model.inputEmbedding);
    if (table) return [{ table, ids: tokens }];
    refuse(
      `trainableTokens is a list, and the model does not say in which table it looks up its tokens; name the table, as { "embed": [5, 17] }: ${known}.`,
    );
    return [];
  }
  const entries = isRecord(tokens) ? Object.entries(tokens) : [];
  if (entries.length === 0 || !entries.every(([, ids]) => Array.isArray(ids))) {
    refuse(
      'trainableTokens is neither a list of row numbers nor a record of such lists by table; pass one, for example [5, 17] or { "embed": [5, 17] }.',
    );
    return [];
  }
  return entries.flatMap(([name, ids]) => {
    const named = (target: Target) => target.path === name || target.path.endsWith(`.${name}`);
    const found = tables.filter(named);
    if (found.length > 0) return found.map((table) => ({ table, ids }));
    const other = model.targets.find(named);
    refuse(
      other
        ? `trainableTokens: "${other.path}" is a ${other.kind} layer, and rows are trained of embeddings; ${known}.`
        : `trainableTokens: no embedding is called "${name}"; ${known}.`,
    );
    return [];
  });
}

function checkIds({ path, shape }: Target, ids: readonly number[], refuse: (message: string) => void): void {
  const rows = shape[0] as number;
  if (ids.length === 0) refuse(`trainableTokens lists no rows of "${path}"; list some, or leave it out.`);
  const outside = [...new Set(ids.filter((id) => !Number.isInteger(id) || id < 0 || id >= rows))];
  if (outside.length > 0)
    refuse(
      `trainableTokens: "${path}" has rows 0 to ${rows - 1}, and ${sayIds(outside)} ${outside.length > 1 ? 'are' : 'is'} none of them; list rows of the table, which may have to grow first.`,
    );
  const seen = new Set<number>();
  const twice = [...new Set(ids.filter((id) => seen.size === seen.add(id).size))];
  if (twice.length > 0) refuse(`trainableTokens lists ${sayIds(twice)} of "${path}" twice; list each row once.`);
}

/** Refuses what else would train or change the same values. */
function checkRivals(
  { path, heads }: { readonly path: string; readonly heads: readonly string[] },
  {
    options: { modulesToSave = [], strategy },
    targets,
    refuse,
  }: Omit<Call, 'problems'> & { readonly options: FineTuneOptions; readonly refuse: (message: string) => void },
): void {
  const isSaved = (module: string) =>
    Array.isArray(modulesToSave) && modulesToSave.some((saved) => isUnder(`${module}.weight`, saved));
  const isAdapted = (module: string) => targets.some((target) => target.path === module);
  if (isSaved(path))
    refuse(`modulesToSave trains "${path}" whole, and trainableTokens rows of it; drop it from one of the two.`);
  if (isAdapted(path))
    refuse(
      `strategy "${strategy?.name}" adapts "${path}", and trainableTokens trains rows of it; exclude it from targets, or drop it from trainableTokens.`,
    );
  for (const head of heads) {
    if (isSaved(head))
      refuse(
        `modulesToSave trains "${head}" whole, which shares the table of "${path}" with the rows of trainableTokens; drop one of the two.`,
      );
    if (isAdapted(head) && strategy?.part)
      refuse(
        `strategy "${strategy.name}" may merge into "${head}" during the run, which shares the table of "${path}" with the rows of trainableTokens and would part from it; exclude "${head}" from targets.`,
      );
  }
}

function sayIds(ids: readonly unknown[]): string {
  const shown = ids.slice(0, 4).map((id) => (typeof id === 'string' ? `"${id}"` : String(id)));
  return ids.length > 4 ? `${shown.join(', ')} and more` : shown.join(', ');
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
