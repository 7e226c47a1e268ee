/** The least power of two that is not below `least`, itself at least 1. */
export function powerOfTwo(least: number): number {
  return least <= 1 ? 1 : 2 ** (32 - Math.clz32(least - 1));
}
