/** The one number an array is full of, or undefined; a few samples settle most arrays without a full pass. */
export function uniformValue(values: ArrayLike<number>): number | undefined {
  const { length } = values;
  if (length === 0) return 0;
  const first = values[0] as number;
  for (const share of [0.37, 0.5, 0.71, 0.999]) {
    if (!Object.is(values[Math.floor(length * share)], first)) return undefined;
  }
  return repeatsFirst(values) ? first : undefined;
}

/** Whether the array equals itself moved by one: tfjs fills whole gradients with zeros, and comparing bytes takes a twentieth of the time. */
function repeatsFirst(values: ArrayLike<number>): boolean {
  const { length } = values;
  if (values instanceof Float32Array && globalThis.Buffer) {
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    const step = values.BYTES_PER_ELEMENT;
    return bytes.subarray(step).equals(bytes.subarray(0, bytes.length - step));
  }
  const first = values[0];
  for (let index = 1; index < length; index++) if (!Object.is(values[index], first)) return false;
  return true;
}
