import type { ServiceResult } from './serveTenants.ts';

/** The result as text. */
export function tableOf({ tenants, answers }: ServiceResult): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`.padStart(10);
  const lines = tenants.map(
    ({ name, about, base, adapted, mixed }) =>
      `${name.padEnd(10)}${percent(base)}${percent(adapted)}${percent(mixed)}   ${about}`,
  );
  const sorted = [...answers.latencies].sort((left, right) => left - right);
  const at = (part: number) => (sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(1);
  return [
    `${'tenant'.padEnd(10)}${'base'.padStart(10)}${'adapter'.padStart(10)}${'mixed'.padStart(10)}`,
    ...lines,
    '',
    `${sorted.length} mixed batches answered while training: median ${at(0.5)} ms, 99th percentile ${at(0.99)} ms, ${answers.failures} failed`,
    '',
  ].join('\n');
}
