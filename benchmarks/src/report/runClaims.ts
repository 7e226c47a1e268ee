import { loadavg } from 'node:os';
import type { Claim } from './claim.ts';
import type { Circumstances } from './record.ts';
import type { RecordStore } from './recordStore.ts';

export type RunClaims = {
  readonly claims: readonly Claim[];
  readonly store: RecordStore;
  /** In place of each claim's own number. */
  readonly seeds: number | undefined;
  readonly machine: string;
  readonly command: string;
  readonly date: string;
  log(line: string): void;
};

/** Measures claims one after another, saving each as it ends; true when every judged figure passed. */
export async function runClaims({ claims, store, seeds, machine, command, date, log }: RunClaims): Promise<boolean> {
  let hasPassed = true;
  for (const claim of claims) {
    const own = claim.seeds === 0 ? 0 : (seeds ?? claim.seeds);
    const load = loadavg()[0] as number;
    const began = performance.now();
    log(`${claim.id} ${claim.title}`);
    const progress = (text: string) => log(`  ${elapsed(began)}  ${text}`);
    const { rows, notes, pictures } = await claim.run({ seeds: own, progress });
    const circumstances: Circumstances = {
      command,
      date,
      seconds: (performance.now() - began) / 1000,
      seeds: own,
      machine,
      load,
    };
    const record = { circumstances, rows, ...(notes && { notes }), pictures: Object.keys(pictures ?? {}) };
    store.save(claim.id, record, pictures);
    for (const { id, figure, threshold, passed } of rows) {
      const verdict = passed === undefined ? 'reported' : passed ? 'pass' : 'FAIL';
      log(`  ${verdict.padEnd(9)}${id}  ${figure}${threshold && `  (${threshold})`}`);
      if (passed === false) hasPassed = false;
    }
  }
  return hasPassed;
}

function elapsed(began: number): string {
  const seconds = Math.round((performance.now() - began) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
