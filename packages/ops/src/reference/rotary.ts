/** Turns the pairs (i, i + size / 2) of each row; `angles` holds those of one matrix, [places, size / 2]. */
export function rotary(x: Float64Array, angles: readonly number[], size: number): Float64Array {
  const half = size / 2;
  return x.map((value, index) => {
    const column = index % size;
    const row = Math.floor(index / size);
    const angle = angles[(row * half + (column % half)) % angles.length] as number;
    const other = x[column < half ? index + half : index - half] as number;
    return value * Math.cos(angle) + (column < half ? -1 : 1) * other * Math.sin(angle);
  });
}
