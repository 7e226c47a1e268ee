import { PeftError } from '@peft/ops';
import type { Target } from '../target.ts';
import { type CompiledSelection, compileSelection } from './compileSelection.ts';
import { type Decision, decideTarget } from './decideTarget.ts';
import type { TargetOptions } from './targetSelection.ts';

/** Every target of a model, sorted by path, with what a selection decides about it. */
export type Survey = {
  readonly selection: CompiledSelection;
  readonly entries: readonly { readonly target: Target; readonly decision: Decision }[];
};

/**
 * Decides about every target of a model.
 * @throws PeftError `target/options` for wrong options, `target/duplicate-path` when two targets share a path.
 */
export function surveyTargets(modelTargets: readonly Target[], options: TargetOptions): Survey {
  requireTargets(modelTargets);
  const selection = compileSelection(options);
  const targets = [...modelTargets].sort((left, right) => (left.path < right.path ? -1 : 1));
  const twice = targets.find((target, index) => target.path === targets[index + 1]?.path);
  if (twice !== undefined) {
    const reason = 'a path names one weight, so list each path once';
    throw new PeftError('target/duplicate-path', `the model lists target "${twice.path}" more than once; ${reason}.`);
  }
  return { selection, entries: targets.map((target) => ({ target, decision: decideTarget(target, selection) })) };
}

function requireTargets(modelTargets: readonly Target[]): void {
  if (Array.isArray(modelTargets) && modelTargets.every((target) => typeof target?.path === 'string')) return;
  const isModel = Array.isArray((modelTargets as { readonly targets?: unknown } | undefined)?.targets);
  throw new PeftError(
    'target/options',
    `target selection: ${isModel ? 'a model was given in place of its targets' : 'the targets are no list of records { path, kind, shape }'}; pass model.targets.`,
  );
}
