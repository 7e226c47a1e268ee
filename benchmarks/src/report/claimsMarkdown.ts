import type { Claim, Row } from './claim.ts';
import { table } from './figures.ts';
import type { ClaimRecord, Records } from './record.ts';

/** docs/claims.md, from nothing but the claims and what was recorded of them. */
export function claimsMarkdown(claims: readonly Claim[], records: Records): string {
  const sections = claims.map((claim) => section(claim, records[claim.id]));
  return `# Measured claims

Every figure beside its threshold. \`npm run claims\` measures all of them and rewrites this page; \`npm run claims -- --only B3,C1\`
measures some and leaves the other sections as they are. Planted problems have a known optimum; digits are the UCI digits that
the quickstart carries. "reported" marks figures without a threshold.

Where the methods lose is measured too: a single LoRA of the chain's total rank and the rank at which a chain gains nothing
(C1), chains of links that learn too little (C2), AdaLoRA on a network of three matrices (C3), parts of the importance score
that earn nothing (B8), and chains that diverge where full descent converges (E1).

${overview(claims, records)}

${sections.join('\n\n')}
`;
}

function overview(claims: readonly Claim[], records: Records): string {
  const body = claims.map(({ id, title }) => {
    const record = records[id];
    return [`[${id}](#${id.toLowerCase()})`, title, record ? verdict(record.rows) : 'not measured yet'];
  });
  return table(['', 'claim', 'result'], body);
}

function verdict(rows: readonly Row[]): string {
  const judged = rows.filter(({ passed }) => passed !== undefined);
  const failed = judged.filter(({ passed }) => !passed);
  if (judged.length === 0) return 'reported';
  return failed.length === 0
    ? `passed (${judged.length} of ${judged.length})`
    : `**failed** (${failed.map(({ id }) => id).join(', ')})`;
}

function section(claim: Claim, record: ClaimRecord | undefined): string {
  const head = `<a id="${claim.id.toLowerCase()}"></a>\n\n## ${claim.id} ${claim.title}\n\n${claim.setting}`;
  if (!record) return `${head}\n\nNot measured yet.`;
  const { rows, notes = [], pictures } = record;
  const body = rows.map((row) => [
    row.id,
    row.what,
    row.figure,
    row.threshold,
    row.passed === undefined ? 'reported' : row.passed ? 'pass' : '**fail**',
    `${row.seconds.toFixed(1)} s`,
  ]);
  const shown = pictures.map((name) => `![${claim.id}: ${claim.title}](${name})`);
  return [
    head,
    table(['figure', 'what', 'measured', 'threshold', '', 'time'], body),
    ...notes,
    ...shown,
    circumstancesSaid(claim, record),
  ].join('\n\n');
}

function circumstancesSaid(claim: Claim, { circumstances }: ClaimRecord): string {
  const { command, date, seconds, seeds, machine, load } = circumstances;
  const drawn = claim.seeds === 0 ? 'no seeds' : seeds === 1 ? 'seed 1' : `seeds 1 to ${seeds}`;
  const short = seeds < claim.seeds ? `, **fewer than the ${claim.seeds} of the claim**` : '';
  return `<sub>\`${command}\`, ${drawn}${short}, ${date}, ${seconds.toFixed(0)} s, ${machine}, load ${load.toFixed(1)} at the start.</sub>`;
}
