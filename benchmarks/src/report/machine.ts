import { cpus, totalmem } from 'node:os';

/** This machine and what the numbers were computed with, in words. */
export function machineSaid({
  tensorflow,
  backend,
}: {
  readonly tensorflow: string;
  readonly backend: string;
}): string {
  const all = cpus();
  const model = all[0]?.model.replaceAll(/\s+/g, ' ').trim() ?? 'unknown CPU';
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${all.length} x ${model}, ${memory} GiB, Node ${process.versions.node}, TensorFlow.js ${tensorflow} on ${backend}`;
}
