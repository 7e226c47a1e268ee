import { flopsOf } from '../products/productsOf.ts';
import { table } from '../report/figures.ts';
import type { Figures, StepRow } from '../step/stepRow.ts';
import { gibibytes, percent } from '../step/stepTable.ts';
import { limitOf } from './limitOf.ts';
import { rowTitle } from './rowTitle.ts';
import { targets } from './targets.ts';

/** docs/step.md, from nothing but figures. */
export function stepMarkdown(figures: Figures): string {
  return `# The training step, measured

\`pnpm bench table\` measures every row on an idle machine and writes this page; \`pnpm bench step\` measures one, and
\`pnpm bench page FILE...\` joins what was written with \`--json\`. Random weights of the real shapes; the same shapes, targets,
dropout, optimizer and threads on both sides; every contestant in a process of its own, taking turns step by step in one run.
PyTorch runs transformers with PEFT, at the number of threads at which it is fastest. Times are medians; ratios above 1
mean that we are faster.

## Targets

Set before the figures were known; a missed one is reported.

${targetTable(figures)}

## Steps

![how many times as long the rivals' step takes](step-ratios.svg)

${figures.rows.length > 0 ? stepsTable(figures.rows) : 'Not measured yet.'}

Memory is the most that a process had resident during the measured steps. The roofline is the time of the matrix products
that a step must execute, each at the best rate its very shape reached alone in the same run (recompute not counted), over the
step; in brackets, were all of them as fast as the fastest shape.

${figures.rows.map(section).join('\n\n')}

## Other measures

${measuresOf(figures)}
`;
}

function targetTable(figures: Figures): string {
  const body = targets.map(({ measure, target, judge }) => {
    const judged = judge(figures);
    if (!judged) return [measure, target, 'not measured', ''];
    return [
      measure,
      target,
      judged.figure,
      judged.isMet === undefined ? 'reported' : judged.isMet ? 'met' : '**missed**',
    ];
  });
  return table(['measure', 'target', 'measured', ''], body);
}

function stepsTable(rows: readonly StepRow[]): string {
  const body = rows.flatMap((row) => {
    const { rooflineFraction, roofline } = row;
    const own = [
      rowTitle(row),
      row.engine,
      milliseconds(row),
      gibibytes(row.peakBytes),
      `${row.tokensPerSecond.toFixed(0)}`,
      `${percent(rooflineFraction)} (${percent(roofline.fastestRateFraction)})`,
      '',
      '',
    ];
    const rivals = Object.entries(row.against).map(([name, rival]) => [
      '',
      name,
      milliseconds(rival),
      gibibytes(rival.peakBytes),
      `${((1000 * row.batch * row.seq) / rival.medianMs).toFixed(0)}`,
      '',
      `${rival.ratio.toFixed(2)}x`,
      `${rival.memoryRatio.toFixed(2)}x`,
    ]);
    const failed = Object.keys(row.failed).map((name) => ['', name, 'not measured', '', '', '', '', '']);
    return [own, ...rivals, ...failed];
  });
  const head = [
    'step',
    'by',
    'median (best, spread) ms',
    'peak',
    'tokens/s',
    'roofline',
    'we are',
    'memory, ours over its',
  ];
  return table(head, body);
}

function milliseconds({ medianMs, bestMs, spreadMs }: Pick<StepRow, 'medianMs' | 'bestMs' | 'spreadMs'>): string {
  return `${medianMs.toFixed(0)} (${bestMs.toFixed(0)}, ${spreadMs.toFixed(0)})`;
}

function section(row: StepRow): string {
  const { roofline, circumstances, against, failed } = row;
  const { command, date, machine, versions } = circumstances;
  const notes = Object.entries(against).flatMap(([name, { note, threads }]) => [
    ...(threads === row.threads
      ? []
      : [`${name} is fastest with ${threads} of ${row.threads} threads and was given those.`]),
    ...(note ? [`${name}: ${note}.`] : []),
  ]);
  const products = roofline.products
    .slice(0, 10)
    .map((product) => [
      `${product.count}`,
      `${product.batch === 1 ? '' : `${product.batch} x `}[${product.m}, ${product.k}]${product.transposeA ? "'" : ''} . [${product.k}, ${product.n}]${product.transposeB ? "'" : ''}`,
      ((product.count * flopsOf(product)) / 1e9).toFixed(1),
      product.bestMs.toFixed(2),
      (flopsOf(product) / product.bestMs / 1e6).toFixed(0),
    ]);
  const busy = row.acceptedBusy ? ' **Measured with --accept-busy: the machine may not have been idle.**' : '';
  return [
    `### ${rowTitle(row)}`,
    `\`${command}\``,
    `${limitOf(row)} ${(roofline.skippedFlops / 1e9).toFixed(1)} GFLOP of a step without short cuts are skipped exactly: gradients below the lowest adapter, and rows that a slice discards.`,
    `Roofline: ${(roofline.flops / 1e9).toFixed(1)} GFLOP over ${roofline.gflopsPerSecond.toFixed(0)} GFLOP/s. Frozen weights are ${row.weights} of the graph. LoRA rank ${row.rank}, dropout ${row.dropout}, ${row.threads} threads, ${row.rounds} rounds, ${row.disturbedRounds} disturbed; first step ${(row.firstStepMs / 1000).toFixed(2)} s after the run's start.${busy}`,
    ...notes,
    ...Object.entries(failed).map(([name, reason]) => `${name} was not measured: ${reason.split('\n')[0]}`),
    table(['count', 'product', 'GFLOP in all', 'best ms of one', 'GFLOP/s'], products),
    `${date}, ${machine}; ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}.`,
  ].join('\n\n');
}

function measuresOf({ measures }: Figures): string {
  if (measures.length === 0) return 'Not measured yet.';
  return table(
    ['', 'figure', 'command'],
    measures.map(({ id, said, circumstances, acceptedBusy }) => [
      id,
      acceptedBusy ? `${said} **(machine not idle)**` : said,
      `\`${circumstances.command}\`, ${circumstances.date}`,
    ]),
  );
}
