import { table } from '../report/figures.ts';
import type { Fidelity, ParityRow, ScriptRun, TrapRow } from './fidelity.ts';

const measures: Readonly<Record<string, string>> = {
  norm: 'relative norm',
  largest: 'largest difference',
  equal: 'entries that differ',
};

/** docs/fidelity.md, from nothing but results. */
export function fidelityMarkdown({ circumstances, parity, traps, runs }: Fidelity): string {
  const comparisons = parity.reduce((sum, row) => sum + row.comparisons, 0);
  const values = parity.reduce((sum, row) => sum + row.values, 0);
  return `# Fidelity to Python

What Python PEFT computes and stores, against what this library computes and stores. \`pnpm bench fidelity\` runs the tests
that compare with values made by Python (\`fixtures/python\` makes them again) and those named after its bugs, and writes this
page; the tests assert every tolerance, so a row that fails is a failing test. What scripts of their own found is joined by
\`pnpm bench fidelity FILE...\`.
${circumstances ? `\n${circumstances.machine}, ${circumstances.date}.\n` : ''}
## Numbers

${comparisons} comparisons of whole tensors and tables, ${values} numbers, ${parity.length} subjects. A row shows the comparison that came nearest to its
tolerance.

![how much of its tolerance each subject uses](fidelity.svg)

${parity.length > 0 ? parityTable(parity) : 'Not compared yet.'}

${runs.map(runSection).join('\n\n')}

## Bugs of Python PEFT

Each was reproduced, and each has a test of the name given here.

${traps.length > 0 ? trapTable(traps) : 'Not tested yet.'}
`;
}

function parityTable(rows: readonly ParityRow[]): string {
  const body = rows.map(({ suite, subject, comparisons, values, worst, tolerance, by }) => [
    subject,
    suite,
    String(comparisons),
    String(values),
    small(worst),
    small(tolerance),
    measures[by] ?? by,
  ]);
  return table(['subject', 'package', 'comparisons', 'numbers', 'worst', 'allowed', 'measured by'], body);
}

function trapTable(rows: readonly TrapRow[]): string {
  const body = rows.map(({ suite, python, here, isPassed }) => [
    python,
    here.join('; '),
    suite,
    isPassed ? 'passes' : '**fails**',
  ]);
  return table(['Python PEFT', 'here', 'package', ''], body);
}

function runSection({ title, command, date, machine, columns, rows, notes }: ScriptRun): string {
  const lines = notes.map((note) => `- ${note}`).join('\n');
  return `## ${title}\n\n\`${command}\`, ${machine}, ${date}.\n\n${table(columns, rows)}${lines === '' ? '' : `\n\n${lines}`}`;
}

function small(value: number): string {
  return value === 0 ? '0' : Number.isInteger(value) ? String(value) : value.toExponential(1);
}
