import { flopsOf } from '../products/productsOf.ts';
import type { StepRow } from '../step/stepRow.ts';

/** What keeps a step from being faster, read off its own figures. */
export function limitOf({ medianMs, roofline }: StepRow): string {
  const share = (ms: number) => `${((100 * ms) / medianMs).toFixed(0)} %`;
  const slow = roofline.products
    .map((product) => ({
      ...product,
      ms: product.count * product.bestMs,
      rate: flopsOf(product) / product.bestMs / 1e6,
    }))
    .filter(({ rate }) => rate < 0.6 * roofline.fastestGflopsPerSecond);
  const slowMs = slow.reduce((sum, { ms }) => sum + ms, 0);
  const rest = medianMs - roofline.ms;
  const products = `Matrix products at their best take ${roofline.ms.toFixed(0)} of ${medianMs.toFixed(0)} ms (${share(roofline.ms)})`;
  const narrow =
    slowMs > 0.02 * medianMs
      ? `, ${slowMs.toFixed(0)} ms of it in shapes too small or narrow for 60 % of the fastest rate`
      : '';
  const others =
    rest > 0
      ? `; everything else, and products slower than alone, ${rest.toFixed(0)} ms (${share(rest)}): norms, activations, softmax, optimizer, memory traffic.`
      : '; inside the step they run faster than alone.';
  return `${products}${narrow}${others}`;
}
