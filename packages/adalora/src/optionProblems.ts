import type { AdaLoraOptions } from './adaloraOptions.ts';

const names = Object.keys({
  initRank: 0,
  targetRank: 0,
  targetBudget: 0,
  alpha: 0,
  dropout: 0,
  warmupSteps: 0,
  finalSteps: 0,
  allocateEvery: 0,
  beta1: 0,
  beta2: 0,
  orthogonality: 0,
  scoring: 0,
  compact: 0,
  allocator: 0,
  compat: 0,
} satisfies Record<keyof AdaLoraOptions, 0>);

/** Everything that is wrong with the options, a sentence each. */
export function optionProblems(options: AdaLoraOptions): readonly string[] {
  const { initRank = 12, targetRank = 8, scoring, compat } = options;
  const problems = [
    ...Object.keys(options)
      .filter((name) => !names.includes(name))
      .map((name) => `"${name}" is no option; the options are ${names.join(', ')}.`),
    outside('initRank', options.initRank, { from: 1, isWhole: true }),
    outside('targetRank', options.targetRank, { from: 0, isWhole: true }),
    outside('targetBudget', options.targetBudget, { from: 0, isWhole: true }),
    options.targetRank !== undefined &&
      options.targetBudget !== undefined &&
      `targetRank ${options.targetRank} and targetBudget ${options.targetBudget} are both given; pass one of the two.`,
    options.targetBudget === undefined &&
      targetRank > initRank &&
      `targetRank ${targetRank} is larger than initRank ${initRank}; lower targetRank or raise initRank.`,
    outside('alpha', options.alpha, { above: 0 }),
    outside('dropout', options.dropout, { from: 0, below: 1 }),
    spanProblem('warmupSteps', options.warmupSteps),
    spanProblem('finalSteps', options.finalSteps),
    outside('allocateEvery', options.allocateEvery, { from: 1, isWhole: true }),
    outside('beta1', options.beta1, { above: 0, below: 1 }),
    outside('beta2', options.beta2, { above: 0, below: 1 }),
    outside('orthogonality', options.orthogonality, { from: 0 }),
    scoring !== undefined &&
      scoring !== 'after' &&
      scoring !== 'before' &&
      `scoring is ${JSON.stringify(scoring)}; it must be "after" or "before".`,
    compat !== undefined && compat !== 'peft' && `compat is ${JSON.stringify(compat)}; it must be "peft" or left out.`,
    ...(compat === 'peft' ? compatProblems(options) : []),
  ];
  return problems.filter((problem) => typeof problem === 'string');
}

function compatProblems({ compact, allocator, scoring, targetBudget }: AdaLoraOptions) {
  const said = 'compat "peft" does as Python PEFT does, which';
  return [
    compact && `${said} never drops triplets while training; leave out compact or compat.`,
    allocator && `${said} has one way to allocate; leave out allocator "${allocator.name}" or compat.`,
    scoring === 'before' && `${said} scores after the optimizer's step; leave out scoring or compat.`,
    targetBudget !== undefined &&
      `${said} knows no total budget; pass targetRank in place of targetBudget, or leave out compat.`,
  ];
}

function spanProblem(name: string, span: AdaLoraOptions['warmupSteps']): string | undefined {
  if (typeof span !== 'object') return outside(name, span, { from: 0, isWhole: true });
  return outside(`the fraction of ${name}`, span.fraction, { from: 0, below: 1 });
}

type Bounds = { readonly from?: number; readonly above?: number; readonly below?: number; readonly isWhole?: boolean };

function outside(name: string, value: number | undefined, bounds: Bounds): string | undefined {
  if (value === undefined) return undefined;
  const { from = -Infinity, above = -Infinity, below = Infinity, isWhole = false } = bounds;
  const isInside = Number.isFinite(value) && value >= from && value > above && value < below;
  if (isInside && (!isWhole || Number.isInteger(value))) return undefined;
  const limits = [
    bounds.from !== undefined && `at least ${from}`,
    bounds.above !== undefined && `above ${above}`,
    bounds.below !== undefined && `below ${below}`,
  ].filter((limit) => limit !== false);
  return `${name} is ${value}; it must be a ${isWhole ? 'whole ' : ''}number ${limits.join(' and ')}.`;
}
