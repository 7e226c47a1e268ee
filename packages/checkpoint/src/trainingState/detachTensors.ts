import { type HostArray, PeftError } from '@peft/core';

/** What JSON can hold of a value, and the arrays it refers to, by name. */
export type Detached = { readonly json: unknown; readonly tensors: ReadonlyMap<string, HostArray> };

/** A state is not nested as deep by far; a file that is would overflow the stack. */
const deepest = 64;

/**
 * Takes every host array out of nested records, leaving `{ $tensor: name }`, and writes the numbers that JSON has no
 * form for as `{ $number: text }` and records with keys like these as `{ $entries: [key, value][] }`, so that the value
 * comes back to the bit.
 */
export function detachTensors(value: unknown): Detached {
  const tensors = new Map<string, HostArray>();
  return { json: detach(value, '', tensors), tensors };
}

/** The inverse: `read` gives the array of a name. Throws `checkpoint/training-state` for what is nested too deep. */
export function attachTensors(json: unknown, read: (name: string) => HostArray, depth = 0): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (depth > deepest) {
    throw new PeftError(
      'checkpoint/training-state',
      `the state is nested more than ${deepest} levels deep, which no save is; it was changed after it was saved.`,
    );
  }
  const within = (item: unknown) => attachTensors(item, read, depth + 1);
  if (Array.isArray(json)) return json.map(within);
  if ('$tensor' in json) return read(typeof json.$tensor === 'string' ? json.$tensor : '');
  if ('$number' in json) return typeof json.$number === 'string' ? Number(json.$number) : json;
  const entries = '$entries' in json && Array.isArray(json.$entries) ? json.$entries : Object.entries(json);
  return Object.fromEntries(entries.map((entry) => (Array.isArray(entry) ? [entry[0], within(entry[1])] : [])));
}

function detach(value: unknown, path: string, tensors: Map<string, HostArray>): unknown {
  if (typeof value === 'number')
    return isPlain(value) ? value : { $number: Object.is(value, -0) ? '-0' : String(value) };
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item, index) => detach(item, `${path}/${index}`, tensors));
  if (isHostArray(value)) {
    // Keys may hold slashes themselves, so that two ways can read the same.
    let name = path.slice(1);
    while (tensors.has(name)) name += "'";
    tensors.set(name, value);
    return { $tensor: name };
  }
  const entries = Object.entries(value).map(([key, item]) => [key, detach(item, `${path}/${key}`, tensors)] as const);
  return entries.some(([key]) => key.startsWith('$')) ? { $entries: entries } : Object.fromEntries(entries);
}

function isPlain(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

function isHostArray(value: object): value is HostArray {
  return 'data' in value && ArrayBuffer.isView(value.data);
}
