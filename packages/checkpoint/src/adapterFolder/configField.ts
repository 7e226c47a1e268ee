import type { FieldValue } from './fieldValue.ts';

/** A setting of adapter_config.json: what it may be, and what becomes of it here. */
export type ConfigField = {
  /** Python PEFT's, for a file that leaves it out. */
  readonly default: unknown;
  readonly value: FieldValue;
  /** Why a value cannot be followed here and what to do, or undefined when it can. */
  refuses?(value: unknown): string | undefined;
} & Fate;

type Fate =
  /** What it is in this library. */
  | { readonly fate: 'option'; readonly as: string }
  /** Changes nothing that is computed here; written again under `any` method, or under the one of the file. */
  | { readonly fate: 'kept'; readonly because: string; readonly under: 'any' | 'method' }
  /** Refused when set: what it would change, and the way out. */
  | { readonly fate: 'refused'; readonly because: string; readonly instead: string }
  /** Written anew by every save. */
  | { readonly fate: 'computed'; readonly as: string };

/** A row whose every set value is refused. */
export function refused(
  row: Pick<ConfigField, 'default' | 'value'>,
  { because, instead }: { readonly because: string; readonly instead: string },
): ConfigField & { readonly fate: 'refused' } {
  return {
    ...row,
    fate: 'refused',
    because,
    instead,
    refuses: (value) => (isSet(value, row.default) ? `${because}; ${instead}` : undefined),
  };
}

/** What becomes of a field, in one line for readers. */
export function sayFate(field: ConfigField): string {
  switch (field.fate) {
    case 'option':
      return field.as;
    case 'kept':
      return `kept: ${field.because}`;
    case 'refused':
      return `refused when set: ${field.because}; ${field.instead}`;
    case 'computed':
      return `written anew: ${field.as}`;
  }
}

// Python's variants are on as soon as they have a configuration, an empty one too; an empty list names nothing.
function isSet(value: unknown, fallback: unknown): boolean {
  if (value === undefined || value === null || value === fallback) return false;
  return !Array.isArray(value) || value.length > 0;
}
