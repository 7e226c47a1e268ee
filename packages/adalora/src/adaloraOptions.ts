import { PeftError } from '@peft/core';
import type { Span } from '@peft/schedulers';
import { globalTop } from './globalTop.ts';
import { optionProblems } from './optionProblems.ts';
import { averagedNorm, type Orthogonality, squaredSum } from './orthogonality.ts';
import { pythonThreshold } from './pythonThreshold.ts';
import type { RankAllocator } from './rankAllocator.ts';

export type AdaLoraOptions = {
  /** Rank of every target at the start, and its highest possible rank at the end. */
  readonly initRank?: number;
  /** Average rank of a target at the end. */
  readonly targetRank?: number;
  /** Ranks of all targets together at the end, in place of `targetRank`. */
  readonly targetBudget?: number;
  /** The change is scaled by alpha / initRank, whatever ranks remain. */
  readonly alpha?: number;
  /** Chance that an element of an adapted layer's input is dropped on the adapter's way. */
  readonly dropout?: number;
  /** Steps at the start with all ranks: a number, or a share of the life. */
  readonly warmupSteps?: Span;
  /** Steps at the end with the ranks fixed: a number, or a share of the life. */
  readonly finalSteps?: Span;
  /** Steps from one pruning to the next. */
  readonly allocateEvery?: number;
  /** Decay of the average importance. */
  readonly beta1?: number;
  /** Decay of the average distance from it. */
  readonly beta2?: number;
  /** Weight of the penalty that keeps the factors orthonormal; 0 for none. */
  readonly orthogonality?: number;
  /** Whether importance is the gradient times the weights as they are after the optimizer's step or before it. */
  readonly scoring?: 'after' | 'before';
  /** Drop dead triplets, with their optimizer moments, when the final phase begins. */
  readonly compact?: boolean;
  /** Who decides which triplets live. */
  readonly allocator?: RankAllocator;
  /** Every number as Python PEFT's AdaLoRA computes it. */
  readonly compat?: 'peft';
};

/** Options with nothing left open but the length of the life. */
export type AdaLoraSettings = Required<Omit<AdaLoraOptions, SpanNames | 'targetBudget' | 'compat'>> &
  Pick<AdaLoraOptions, SpanNames | 'targetBudget' | 'compat'> & {
    /** Factor of the change. */
    readonly scaling: number;
    readonly penalty: Orthogonality;
    /** Whether importance is also averaged in the step whose pruning is the last. */
    readonly isLastStepScored: boolean;
    /** Whether dead triplets of the final phase are out of forward, penalty and gradients, as if dropped. */
    readonly areDeadHidden: boolean;
  };

type SpanNames = 'warmupSteps' | 'finalSteps';

/** Checks options and fills in what they leave open; throws `adalora/options` with everything that is wrong. */
export function settleOptions(options: AdaLoraOptions): AdaLoraSettings {
  const problems = optionProblems(options);
  if (problems.length > 0) {
    const list =
      problems.length === 1 ? ` ${problems[0]}` : `\n${problems.map((problem) => `- ${problem}`).join('\n')}`;
    throw new PeftError('adalora/options', `adalora:${list}`);
  }
  const isPython = options.compat === 'peft';
  const { initRank = 12, targetRank = 8, alpha = 8 } = options;
  return {
    initRank,
    targetRank,
    targetBudget: options.targetBudget,
    alpha,
    dropout: options.dropout ?? 0,
    warmupSteps: options.warmupSteps,
    finalSteps: options.finalSteps,
    allocateEvery: options.allocateEvery ?? 1,
    beta1: options.beta1 ?? 0.85,
    beta2: options.beta2 ?? 0.85,
    orthogonality: options.orthogonality ?? (isPython ? 0.5 : 0.1),
    scoring: options.scoring ?? 'after',
    compact: options.compact ?? !isPython,
    allocator: options.allocator ?? (isPython ? pythonThreshold : globalTop),
    compat: options.compat,
    scaling: alpha / (isPython ? initRank + 1e-5 : initRank),
    penalty: isPython ? averagedNorm : squaredSum,
    isLastStepScored: !isPython,
    areDeadHidden: !isPython,
  };
}
