import type { Target } from '../target.ts';
import type { CompiledSelection } from './compileSelection.ts';
import type { Decision } from './decideTarget.ts';
import { nearestRule } from './nearestNames.ts';
import { compilePattern } from './python/compilePattern.ts';
import { sayLayers, saySelection } from './sayList.ts';
import { surveyTargets } from './surveyTargets.ts';
import type { TargetOptions } from './targetSelection.ts';

/** Whether a module is adapted, and why, in plain words. */
export type TargetExplanation = { readonly path: string; readonly matched: boolean; readonly reason: string };

type Reason = (path: string) => string;
type Verdict = { readonly target: Target; readonly decision: Decision };

function noRuleReason({ options }: CompiledSelection): Reason {
  const { targets } = options;
  if (typeof targets !== 'string' && !(targets instanceof RegExp)) {
    return (path) => `no rule matches; the nearest is "${nearestRule(path, targets)}"`;
  }
  const partIn = findPart(targets);
  const said = `pattern ${saySelection(targets)}`;
  return (path) => {
    const found = partIn(path) ?? '';
    return found === '' ? `${said} does not match` : `${said} matches only "${found}" and must match the whole path`;
  };
}

function findPart(targets: string | RegExp): (path: string) => string | undefined {
  if (typeof targets === 'string') return compilePattern(targets, { call: 'search' }).find;
  const expression = new RegExp(targets.source, targets.flags.replace(/[gy]/g, ''));
  return (path) => expression.exec(path)?.[0];
}

function reasonFor({ target, decision }: Verdict, selection: CompiledSelection, noRule: Reason): string {
  if (decision.matched) {
    if (decision.hit === 'all-linear') return 'matched "all-linear": it is dense';
    const { by, rule } = decision.hit;
    const layer = decision.bypassedLayer;
    const bypass = layer === undefined ? '' : `, and a whole name is not filtered by layer (it is in layer ${layer})`;
    return `matched ${by} ${rule}${bypass}`;
  }
  switch (decision.because) {
    case 'excluded':
      return `excluded by ${decision.rule}`;
    case 'saved':
      return `kept whole by modulesToSave ${decision.rule}`;
    case 'kind':
      return `"all-linear" takes dense modules and this one is of kind ${target.kind}`;
    case 'output-head':
      return '"all-linear" leaves the output head alone';
    case 'no-rule':
      return noRule(target.path);
    case 'layer': {
      const met = `${decision.hit.by} ${decision.hit.rule} matches`;
      if (decision.layer === undefined) return `${met}, but no layer number can be read from the path`;
      return `${met}, but layer ${decision.layer} is not among ${sayLayers(selection.layers ?? [])}`;
    }
  }
}

/**
 * Says for every target of a model, sorted by path, whether a selection takes it and which rule decided; it selects
 * exactly what `selectTargets` does, and does not fail when that is nothing.
 * @throws PeftError `target/options` for wrong options, `target/duplicate-path` when two targets share a path.
 */
export function explainTargets(modelTargets: readonly Target[], options: TargetOptions): readonly TargetExplanation[] {
  const { selection, entries } = surveyTargets(modelTargets, options);
  const noRule = noRuleReason(selection);
  return entries.map((entry) => ({
    path: entry.target.path,
    matched: entry.decision.matched,
    reason: reasonFor(entry, selection, noRule),
  }));
}
