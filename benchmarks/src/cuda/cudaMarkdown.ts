import { type GpuContest, type GpuTargets, gpuContests, mostMethodRatio } from './gpuContests.ts';
import type { CudaFindings } from './runCuda.ts';
import type { Finding } from './section.ts';

/** What docs/cuda.json holds: the last run on a GPU, and the last on the simulated device. */
export interface CudaRuns {
  readonly device?: CudaFindings | undefined;
  readonly simulated?: CudaFindings | undefined;
}

const notMeasured = 'not measured';

/** docs/cuda.md. */
export function cudaMarkdown({ device, simulated }: CudaRuns): string {
  return [
    '# The CUDA engine, measured',
    '',
    '`benchmarks/cuda/run --out cuda.json --python python3` checks and times `cudaEngine()` on one GPU in under ten minutes;',
    '`pnpm bench cuda cuda.json` writes this page from what it found. It needs Node, what `npm run build` made, and NVIDIA’s',
    'libraries; with a Python that has torch, transformers and peft, each of its modes takes turns with ours in the same run:',
    'eager with SDPA, `torch.compile`, and `torch.compile` with CUDA graphs, all bf16.',
    '',
    device
      ? `Measured ${device.started.slice(0, 10)} on ${saidOf(device)}; ${device.machine}.`
      : '**No NVIDIA GPU was at hand when this page was written: nothing below was measured on one.** Nothing is estimated into a result.',
    '',
    '## Targets on one H200, bf16',
    '',
    'Set before any figure was known; a missed one is reported.',
    '',
    '| step | measure | target | measured |  |',
    '|---|---|---|---|---|',
    ...gpuContests.flatMap((contest) => targetRows(contest, device)),
    methodRow(device),
    hostRow(device),
    '',
    ...checks('Checks on the GPU', device, 'Not run yet: no GPU was at hand.'),
    ...checks(
      'The same checks on a simulated device',
      simulated,
      'Not run yet: `node scripts/runSource.mjs benchmarks/src/cudaSimulated.ts --small --out simulated.json`.',
    ),
    'The simulated device is a library with the functions of libcuda, NVRTC and cuBLASLt that runs the very kernels on the',
    'processor, threads as fibers ([how](../packages/cuda-backend/test/simulator/README.md)); the tests of single operations',
    'also watch every access for bounds and barriers. It proves index arithmetic, order, lifetimes and the planner; it says',
    'nothing of time, nor of what only the hardware does.',
    '',
  ].join('\n');
}

function saidOf({ engine }: CudaFindings): string {
  const { name, driverVersion, compiler } = engine as Readonly<Record<string, string>>;
  return `${name}, CUDA ${driverVersion}, ${compiler ?? 'kernels as shipped'}`;
}

const measures: Readonly<Record<keyof GpuTargets, readonly [name: string, target: (wanted: number) => string]>> = {
  mostMs: ['milliseconds', (wanted) => `at most ${wanted}`],
  leastPeakShare: ['share of the peak', (wanted) => `at least ${percent(wanted)} of 989 TFLOPS`],
  overEager: ['over eager', (wanted) => `at least ${wanted}x eager PEFT`],
  overFastest: ['over the fastest', (wanted) => `at least ${wanted}x its fastest mode`],
  mostMemoryShare: ['share of the memory of eager', (wanted) => `at most ${wanted}x the peak memory of eager`],
};

type Reached = { readonly target: string; readonly found?: number; readonly isReached?: boolean };

function targetRows({ title, targets }: GpuContest, device: CudaFindings | undefined): readonly string[] {
  const finding = findingOf(device, 'times', title);
  const { reached = [], problem } = (finding?.found ?? {}) as { reached?: readonly Reached[]; problem?: string };
  return (Object.keys(targets) as (keyof GpuTargets)[]).map((key, index) => {
    const [name, target] = measures[key];
    const one = reached.find((each) => each.target === name);
    const found = one?.found === undefined ? (problem ?? notMeasured) : numberSaid(key, one.found);
    return `| ${index === 0 ? title : ''} | ${name} | ${target(targets[key] as number)} | ${found} | ${verdict(one?.isReached)} |`;
  });
}

function methodRow(device: CudaFindings | undefined): string {
  const finding = findingOf(device, 'times', 'AdaLoRA over LoRA');
  const { ratio } = (finding?.found ?? {}) as { ratio?: number };
  const found = ratio === undefined ? notMeasured : ratio.toFixed(3);
  return `| BERT-base, all linears, 8x128 | AdaLoRA over LoRA | at most ${mostMethodRatio} | ${found} | ${verdict(finding?.passed)} |`;
}

function hostRow(device: CudaFindings | undefined): string {
  const finding = findingOf(device, 'host', 'microseconds of a run');
  const { microseconds, target = 20 } = (finding?.found ?? {}) as { microseconds?: number; target?: number };
  const found = microseconds === undefined ? notMeasured : microseconds.toFixed(1);
  return `| any | host time of a step, microseconds | at most ${target} | ${found} | ${verdict(finding?.passed)} |`;
}

function findingOf(run: CudaFindings | undefined, section: 'times' | 'host', name: string): Finding | undefined {
  return run?.sections[section]?.findings.find((finding) => finding.name === name);
}

const sectionTitles = {
  operations: 'every operation and its gradient against eager TensorFlow.js, 3e-5 of the norm',
  curves:
    'gradients of every parameter and 20 steps of every strategy, on every family of models, against eager float32: 1e-4 in float32; in bf16 a cosine of 0.999, losses within 2 %',
  resume: 'a repeat and saves gone on with, to the bit',
  memory: 'a chain of links: tensors, resident memory, memory of the device',
} as const;

function checks(title: string, run: CudaFindings | undefined, otherwise: string): readonly string[] {
  if (!run) return [`## ${title}`, '', otherwise, ''];
  const rows = Object.entries(sectionTitles).flatMap(([name, what]) => {
    const section = run.sections[name as keyof typeof sectionTitles];
    if (!section) return [`| ${what} | not run | |`];
    const passed = section.findings.filter((finding) => finding.passed).length;
    return [`| ${what} | ${passed} of ${section.findings.length} | ${worstOf(section.findings)} |`];
  });
  const failed = run.failed.filter((name) => !name.startsWith('times') && !name.startsWith('host'));
  return [
    `## ${title}`,
    '',
    `${run.started.slice(0, 10)}, ${saidOf(run)}: \`${run.command}\``,
    '',
    '| check | passed | worst |',
    '|---|---|---|',
    ...rows,
    '',
    ...(failed.length > 0 ? ['Did not pass:', '', ...failed.map((name) => `- ${name}`), ''] : []),
  ];
}

/** The worst difference in float32, and the least cosine in bf16, of the findings that have one. */
function worstOf(findings: readonly Finding[]): string {
  const numbers = (key: 'worst' | 'cosine', named: (name: string) => boolean) =>
    findings.flatMap(({ name, found }) => {
      const value = (found as Readonly<Record<string, unknown>>)[key];
      return typeof value === 'number' && named(name) ? [value] : [];
    });
  const exact = numbers('worst', (name) => !name.endsWith('bf16'));
  const losses = numbers('worst', (name) => name.endsWith('bf16'));
  const cosines = numbers('cosine', () => true);
  return [
    exact.length > 0 && `${Math.max(...exact).toExponential(1)} in float32`,
    losses.length > 0 && `losses ${Math.max(...losses).toExponential(1)} in bf16`,
    cosines.length > 0 && `cosine ${Math.min(...cosines).toFixed(5)} in bf16`,
  ]
    .filter((each) => each !== false)
    .join(', ');
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

function numberSaid(key: keyof GpuTargets, value: number): string {
  if (key === 'leastPeakShare') return percent(value);
  return key === 'mostMs' ? value.toFixed(2) : `${value.toFixed(2)}x`;
}

function verdict(isReached: boolean | undefined): string {
  return isReached === undefined ? '' : isReached ? 'met' : '**missed**';
}
