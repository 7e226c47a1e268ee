/** Rows of a table, `width` values each. */
export function gather(table: Float64Array, ids: ArrayLike<number>, width: number): Float64Array {
  return Float64Array.from({ length: ids.length * width }, (_, index) => {
    const row = ids[Math.floor(index / width)] as number;
    return table[row * width + (index % width)] as number;
  });
}
