import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Seconds all processors of the machine were busy since it started, and their total. */
export function machineTime(): { readonly busy: number; readonly total: number } {
  let busy = 0;
  let total = 0;
  for (const { times } of cpus()) {
    const used = times.user + times.nice + times.sys + times.irq;
    busy += used / 1000;
    total += (used + times.idle) / 1000;
  }
  return { busy, total };
}

/** Kernel clock ticks a second in /proc: the same on every Linux that Node supports. */
const ticksPerSecond = 100;

/** Processor seconds a process used; undefined where the system does not say. */
export function processTime(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold spaces; user and system time are the 12th and 13th fields after it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return undefined;
  }
}
