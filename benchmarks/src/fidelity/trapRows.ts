import type { TrapRow } from './fidelity.ts';

/** What vitest's JSON reporter writes, as far as it is read here. */
export type TestReport = {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
    }[];
  }[];
};

const python = 'Python PEFT: ';
const here = 'here: ';

/** The tests that say in their titles what Python PEFT does and what we do. */
export function trapRows(suite: string, { testResults }: TestReport): readonly TrapRow[] {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const byTrap = new Map<string, { readonly here: string[]; isPassed: boolean }>();
  for (const { ancestorTitles, title, status } of tests) {
    const trap = ancestorTitles.find((each) => each.startsWith(python));
    if (trap === undefined) continue;
    const row = byTrap.get(trap) ?? { here: [], isPassed: true };
    row.here.push(title.startsWith(here) ? title.slice(here.length) : title);
    row.isPassed &&= status === 'passed';
    byTrap.set(trap, row);
  }
  return [...byTrap].map(([trap, row]) => ({ suite, python: trap.slice(python.length), ...row }));
}
