import { readFileSync, writeFileSync } from 'node:fs';

/** Forgets this process's peak of resident memory so far; false where the system has no way to. */
export function resetPeak(): boolean {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
    return true;
  } catch {
    return false;
  }
}

/** The most memory this process had resident since the last reset, in bytes. */
export function peakBytes(): number {
  try {
    const [, kilobytes] = readFileSync('/proc/self/status', 'utf8').match(/^VmHWM:\s+(\d+)/m) ?? [];
    if (kilobytes !== undefined) return 1024 * Number(kilobytes);
  } catch {
    // Not Linux: what the runtime knows is the peak of the whole life.
  }
  return 1024 * process.resourceUsage().maxRSS;
}
