import type { HostArray } from '@peft/core';

/** What JSON can hold of a value, and the arrays it refers to, by name. */
export type Detached = { readonly json: unknown; readonly tensors: ReadonlyMap<string, HostArray> };

/**
 * Takes every host array out of nested records, leaving `{ $tensor: name }`, and writes the numbers that JSON has no
 * form for as `{ $number: text }`, so that the value comes back to the bit.
 */
export function detachTensors(value: unknown): Detached {
  const tensors = new Map<string, HostArray>();
  return { json: detach(value, '', tensors), tensors };
}

/** The inverse: `read` gives the array of a name. */
export function attachTensors(json: unknown, read: (name: string) => HostArray): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map((item) => attachTensors(item, read));
  if ('$tensor' in json) return read(String(json.$tensor));
  if ('$number' in json) return Number(json.$number);
  return Object.fromEntries(Object.entries(json).map(([key, item]) => [key, attachTensors(item, read)]));
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
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, detach(item, `${path}/${key}`, tensors)]));
}

function isPlain(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

function isHostArray(value: object): value is HostArray {
  return 'data' in value && ArrayBuffer.isView(value.data);
}
