import type { Target } from '../target.ts';
import { pathRule } from './pathRule.ts';
import { sayCount, sayLayers, sayNames, saySelection } from './sayList.ts';
import { type Survey, surveyTargets } from './surveyTargets.ts';
import type { TargetOptions } from './targetSelection.ts';

function idleExcludes({ selection, entries }: Survey): readonly string[] {
  const { exclude = [] } = selection.options;
  const rules = typeof exclude === 'string' || exclude instanceof RegExp ? [exclude] : exclude.map((name) => [name]);
  return rules
    .filter((rule) => !entries.some(({ target }) => pathRule(rule)(target.path) !== undefined))
    .map((rule) => {
      const said = typeof rule === 'string' || rule instanceof RegExp ? saySelection(rule) : sayNames(rule);
      return `exclude ${said} matches none of the model's ${sayCount(entries.length, 'target')}; correct or remove it.`;
    });
}

function idleEntries({ selection, entries }: Survey): readonly string[] {
  const { targets } = selection.options;
  if (typeof targets === 'string' || targets instanceof RegExp) return [];
  return [...new Set(targets)].flatMap((name) => {
    const hits = entries.filter(({ target }) => pathRule([name])(target.path) !== undefined);
    if (hits.length === 0 || hits.some(({ decision }) => decision.matched)) return [];
    const said = `"${name}" selects nothing: exclude, modulesToSave or layers leave out all it matches (${sayCount(hits.length, 'target')})`;
    return [`${said}; remove it or loosen these.`];
  });
}

function layerWarnings({ selection, entries }: Survey): readonly string[] {
  const { layers } = selection;
  if (layers === undefined) {
    return selection.options.layers === undefined
      ? []
      : ['layers is an empty list, which means every layer as in Python PEFT; leave it out or list layers.'];
  }
  const taken = entries.filter(({ decision }) => decision.matched).map(({ target }) => target.path);
  const reached = new Set(taken.map(selection.layerOf));
  const empty = layers.filter((layer) => !reached.has(layer));
  const bypassed = entries.flatMap(({ target, decision }) =>
    decision.matched && decision.bypassedLayer !== undefined ? [target.path] : [],
  );
  return [
    ...(empty.length === 0 ? [] : [`no selected target lies in ${sayLayers(empty)}; widen targets or change layers.`]),
    ...(bypassed.length === 0
      ? []
      : [
          `${sayNames(bypassed)} is named whole and is selected outside ${sayLayers(layers)}; remove the name to filter it.`,
        ]),
  ];
}

/**
 * What a selection says in vain: excludes that match nothing, names whose every match is left out, layers without a
 * selected target, whole names that the layer filter does not apply to. One sentence each; empty when all is used.
 * @throws PeftError `target/options` for wrong options, `target/duplicate-path` when two targets share a path.
 */
export function targetWarnings(modelTargets: readonly Target[], options: TargetOptions): readonly string[] {
  const survey = surveyTargets(modelTargets, options);
  return [...idleExcludes(survey), ...idleEntries(survey), ...layerWarnings(survey)];
}
