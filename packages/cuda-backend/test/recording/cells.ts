// What a function of the driver writes its result to.

export function putNumber(cell: unknown, value: number): void {
  (cell as Int32Array)[0] = value;
}

export function putHandle(cell: unknown, value: bigint | number): void {
  (cell as BigUint64Array)[0] = BigInt(value);
}
