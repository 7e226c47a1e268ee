import type { AdapterFile, TensorShapes } from './fileFormat.ts';
import type { HostArray } from './hostArray.ts';

export type MatchedTensors = {
  /** The file's tensors by `<target>/<part>`. */
  readonly found: Readonly<Record<string, HostArray>>;
  /** How many tensors the shapes ask for. */
  readonly expected: number;
  /** Every tensor that is missing, of another shape, or left over; a zero-sized one may be missing. */
  readonly problems: readonly string[];
};

/** Compares an adapter file's tensors with the shapes its config and targets ask for. */
export function matchTensors(tensors: AdapterFile['tensors'], shapes: TensorShapes): MatchedTensors {
  const found = byPath(tensors);
  const expected = byPath(shapes);
  const problems = [...expected].flatMap(([path, shape]) => shapeProblem(path, shape, found.get(path)?.shape));
  const leftOver = [...found.keys()].filter((path) => !expected.has(path)).map((path) => `${path} belongs to nothing`);
  return { found: Object.fromEntries(found), expected: expected.size, problems: [...problems, ...leftOver] };
}

function byPath<T>(parts: Readonly<Record<string, Readonly<Record<string, T>>>>): ReadonlyMap<string, T> {
  return new Map(
    Object.entries(parts).flatMap(([path, named]) =>
      Object.entries(named).map(([part, value]) => [`${path}/${part}`, value] as const),
    ),
  );
}

function shapeProblem(path: string, expected: readonly number[], found: readonly number[] | undefined): string[] {
  if (found === undefined) return expected.includes(0) ? [] : [`${path} is missing; it should be [${expected}]`];
  return `${found}` === `${expected}` ? [] : [`${path} is [${found}]; it should be [${expected}]`];
}
