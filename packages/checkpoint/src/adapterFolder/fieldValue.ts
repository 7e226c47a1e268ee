import { isRecord } from '../parseJson.ts';
import { quoted } from '../problemList.ts';

/** What a setting of adapter_config.json may be. */
export type FieldValue = {
  /** In words, after "is expected:". */
  readonly expected: string;
  /** Whether a value is of this kind; what lies in it may still be wrong. */
  is(value: unknown): boolean;
  /** What is wrong inside a value of this kind, a line each. */
  within?(place: string, value: unknown): readonly string[];
};

/** What is wrong with a value, a line each that begins with its place; none when it may stand there. */
export function valueProblems({ expected, is, within }: FieldValue, place: string, value: unknown): readonly string[] {
  if (!is(value)) return [`${place} is ${sayValue(value)}, and ${expected} is expected`];
  return within?.(place, value) ?? [];
}

/** A value as a message may show it: short, and of one line. */
export function sayValue(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'object' && value !== null) {
    const size = Object.keys(value).length;
    return Array.isArray(value) ? `a list of ${size}` : `an object of ${size}`;
  }
  return String(value);
}

export const flag: FieldValue = { expected: 'true or false', is: (value) => typeof value === 'boolean' };

export const text: FieldValue = { expected: 'a text', is: (value) => typeof value === 'string' };

/** The name of a module or parameter. */
export const name: FieldValue = { expected: 'a name', is: (value) => typeof value === 'string' && value !== '' };

export const record: FieldValue = { expected: 'an object', is: isRecord };

export const list: FieldValue = { expected: 'a list', is: Array.isArray };

/** A whole number of at least this. */
export function whole(from: number): FieldValue {
  return {
    expected: `a whole number of at least ${from}`,
    is: (value) => Number.isSafeInteger(value) && (value as number) >= from,
  };
}

type Bounds = { readonly from?: number; readonly above?: number; readonly below?: number };

/** A finite number within bounds. */
export function number({ from = -Infinity, above = -Infinity, below = Infinity }: Bounds): FieldValue {
  const limits = [
    from > -Infinity && `of at least ${from}`,
    above > -Infinity && `above ${above}`,
    below < Infinity && `below ${below}`,
  ].filter((limit) => limit !== false);
  return {
    expected: `a number ${limits.join(' and ')}`,
    is: (value) =>
      typeof value === 'number' && Number.isFinite(value) && value >= from && value > above && value < below,
  };
}

export function oneOf(...words: readonly string[]): FieldValue {
  return {
    expected: `one of ${words.map((word) => `"${word}"`).join(', ')}`,
    is: (value) => words.includes(value as string),
  };
}

export function listOf(item: FieldValue, items: string): FieldValue {
  return {
    expected: `a list of ${items}`,
    is: Array.isArray,
    within: (place, value) =>
      (value as readonly unknown[]).flatMap((each, index) => valueProblems(item, `${place}[${index}]`, each)),
  };
}

export function recordOf(item: FieldValue, items: string): FieldValue {
  return {
    expected: `an object of ${items}`,
    is: isRecord,
    within: (place, value) =>
      Object.entries(value as object).flatMap(([key, each]) => valueProblems(item, `${place}[${quoted(key)}]`, each)),
  };
}

export function either(...kinds: readonly FieldValue[]): FieldValue {
  return {
    expected: kinds.map(({ expected }) => expected).join(' or '),
    is: (value) => kinds.some((kind) => kind.is(value)),
    within: (place, value) => kinds.find((kind) => kind.is(value))?.within?.(place, value) ?? [],
  };
}

export function orNull(kind: FieldValue): FieldValue {
  return either(kind, { expected: 'null', is: (value) => value === null });
}
