import type { Target } from '../target.ts';
import { compileSelection } from './compileSelection.ts';
import { decideTarget } from './decideTarget.ts';
import type { TargetOptions } from './targetSelection.ts';

/**
 * The decision of `selectTargets` about one target at a time, compiled once; it never fails for taking nothing.
 * @throws PeftError `target/options` for wrong options.
 */
export function targetMatcher(options: TargetOptions): (target: Target) => boolean {
  const selection = compileSelection(options);
  return (target) => decideTarget(target, selection).matched;
}
