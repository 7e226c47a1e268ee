import { type CountedProduct, flopsOf, totalFlops } from './productsOf.ts';

/** A product and the shortest time that one of it took, alone, in the same run. */
export type TimedProduct = CountedProduct & { readonly bestMs: number };

/** What a step could take at best: its matrix products, each at the best rate its very shape reached in the same run. */
export type Roofline = {
  readonly flops: number;
  /** FLOPs over `ms`: the rate of all products together, each at its best, in GFLOP a second. */
  readonly gflopsPerSecond: number;
  readonly ms: number;
  /** Of the fastest shape: the stricter bound, which no step of unequal shapes can reach. */
  readonly fastestGflopsPerSecond: number;
  readonly products: readonly TimedProduct[];
};

export function rooflineOf(products: readonly TimedProduct[]): Roofline {
  const flops = totalFlops(products);
  const ms = products.reduce((sum, { count, bestMs }) => sum + count * bestMs, 0);
  return {
    flops,
    gflopsPerSecond: flops / ms / 1e6,
    ms,
    fastestGflopsPerSecond: Math.max(...products.map((product) => flopsOf(product) / product.bestMs / 1e6)),
    products,
  };
}

/** How near a step of this many milliseconds comes to the roofline, and to the stricter one. */
export function fractionsOf(roofline: Roofline, stepMs: number) {
  return {
    rooflineFraction: roofline.ms / stepMs,
    fastestRateFraction: roofline.flops / roofline.fastestGflopsPerSecond / 1e6 / stepMs,
  };
}
