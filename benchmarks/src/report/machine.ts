import { cpus, totalmem } from 'node:os';

/** This machine in words. */
export function machineSaid(): string {
  const all = cpus();
  const model = all[0]?.model.replaceAll(/\s+/g, ' ').trim() ?? 'unknown CPU';
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${all.length} x ${model}, ${memory} GiB, Node ${process.versions.node}`;
}
