import { isAllLinear } from './compileSelection.ts';
import { nearestPaths } from './nearestNames.ts';
import { endsAtDot } from './pathRule.ts';
import { sayCount, sayLayers, sayNames, saySelection } from './sayList.ts';
import type { Survey } from './surveyTargets.ts';

function noDense({ entries }: Survey): string {
  const dense = entries.filter(({ target }) => target.kind === 'dense').map(({ target }) => target.path);
  const kinds = [...new Set(entries.map(({ target }) => target.kind))];
  const reason =
    dense.length === 0
      ? `none of the model's ${sayCount(entries.length, 'target')} is dense (kinds: ${kinds.join(', ')})`
      : `the only dense targets are the output head, ${sayNames(dense)}`;
  return `no target matched "all-linear"; ${reason}; name the modules to adapt in a list.`;
}

function noneFound({ selection, entries }: Survey): string {
  const { targets } = selection.options;
  const paths = entries.map(({ target }) => target.path);
  const isList = typeof targets !== 'string' && !(targets instanceof RegExp);
  const text = targets instanceof RegExp ? targets.source : targets;
  // Near names are sought by the letters of an expression alone.
  const letters = typeof text === 'string' ? [text.replace(/\\(.)/g, '$1').replace(/[^\w.]+/g, '')] : text;
  const nearest = [...new Set(letters.flatMap((rule) => nearestPaths(rule, paths)))].slice(0, 3);
  const isSuffix = typeof text === 'string' && paths.some((path) => endsAtDot(path, text));
  const shouldList = `an expression must match the whole path, so write ["${text}"] to match the end of paths`;
  const remedy = isList
    ? 'each entry must be a whole path or its end after a dot'
    : isSuffix
      ? shouldList
      : 'an expression must match the whole path';
  const near = `the model has ${sayCount(paths.length, 'target')}, the nearest ${nearest.length === 1 ? 'is' : 'are'} ${sayNames(nearest)}`;
  return `no target matched ${saySelection(targets)}; ${near}; ${remedy}.`;
}

/** Why a selection took nothing: no target met a rule, or all that did were left out again, and by what. */
export function noneMatched(survey: Survey): string {
  const { selection, entries } = survey;
  if (entries.length === 0)
    return 'no target matched: the model lists no targets; give its adaptable weights as targets.';
  const decisions = entries.map(({ target, decision }) => ({ path: target.path, decision }));
  const count = (because: 'excluded' | 'saved') =>
    decisions.filter(({ decision: d }) => !d.matched && d.because === because && 'wouldMatch' in d && d.wouldMatch)
      .length;
  const byLayer = decisions.filter(({ decision }) => !decision.matched && decision.because === 'layer');
  const losses = [
    { count: count('excluded'), by: 'exclude' },
    { count: count('saved'), by: 'modulesToSave' },
    { count: byLayer.length, by: `${sayLayers(selection.layers ?? [])}` },
  ].filter((loss) => loss.count > 0);
  if (losses.length === 0) return isAllLinear(selection.options) ? noDense(survey) : noneFound(survey);
  const total = losses.reduce((sum, loss) => sum + loss.count, 0);
  const unread = byLayer.find(({ decision }) => 'layer' in decision && decision.layer === undefined);
  const hint =
    unread === undefined
      ? `change ${losses.map(({ by }) => by.replace(/ .*/, '')).join(' or ')}`
      : `no layer number can be read from "${unread.path}", so name the container of the layers in layersPattern`;
  const parts = losses.map((loss) => `${loss.count} by ${loss.by}`).join(', ');
  const matching = total === 1 ? 'the one target that matches' : `all ${total} targets that match`;
  return `no target is left: ${matching} ${saySelection(selection.options.targets)} of the model's ${entries.length} ${
    total === 1 ? 'is' : 'are'
  } left out, ${parts}; ${hint}.`;
}
