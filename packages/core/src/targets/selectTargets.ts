import { PeftError } from '@peft/ops';
import type { Target } from '../target.ts';
import { nearestPaths } from './nearestNames.ts';
import { noneMatched } from './noneMatched.ts';
import { endsAtDot } from './pathRule.ts';
import { sayCount, sayLayers, sayNames } from './sayList.ts';
import { type Survey, surveyTargets } from './surveyTargets.ts';
import type { TargetOptions } from './targetSelection.ts';

function requireLayers({ selection, entries }: Survey): void {
  const { layers = [], layerOf } = selection;
  const existing = new Set(entries.map(({ target }) => layerOf(target.path)).filter((layer) => layer !== undefined));
  const missing = layers.filter((layer) => !existing.has(layer));
  if (missing.length === 0 || entries.length === 0) return;
  const asked = `${sayLayers(missing)} ${missing.length === 1 ? 'is' : 'are'} not in the model`;
  const first = entries[0]?.target.path;
  const found =
    existing.size === 0
      ? `no layer number can be read from its ${sayCount(entries.length, 'target')}, such as "${first}"; name the container of the layers in layersPattern, or remove layers`
      : `its targets lie in ${sayLayers([...existing])}; choose among these`;
  throw new PeftError('target/unknown-layer', `target selection: ${asked}; ${found}.`);
}

function requireEntries({ selection, entries }: Survey): void {
  const { targets } = selection.options;
  if (typeof targets === 'string' || targets instanceof RegExp) return;
  const paths = entries.map(({ target }) => target.path);
  const idle = [...new Set(targets)].filter((name) => !paths.some((path) => endsAtDot(path, name)));
  if (idle.length === 0) return;
  const lines = idle.map((name) => `"${name}" (nearest: ${sayNames(nearestPaths(name, paths))})`).join(', ');
  const matches = idle.length === 1 ? 'matches' : 'match';
  throw new PeftError(
    'target/entry-unmatched',
    `target selection: ${lines} ${matches} none of the model's ${sayCount(paths.length, 'target')}; correct or remove ${idle.length === 1 ? 'it' : 'them'}.`,
  );
}

/**
 * The targets that a selection takes, sorted by path, by the rules of Python PEFT 0.21 for `target_modules`,
 * `exclude_modules`, `modules_to_save`, `layers_to_transform` and `layers_pattern`.
 * @throws PeftError `target/options` for wrong options, `target/unknown-layer` for layers the model lacks,
 * `target/none-matched` when nothing is taken, `target/entry-unmatched` when a listed name fits no target, and
 * `target/duplicate-path` when two targets share a path.
 */
export function selectTargets(modelTargets: readonly Target[], options: TargetOptions): readonly Target[] {
  const survey = surveyTargets(modelTargets, options);
  requireLayers(survey);
  const taken = survey.entries.filter(({ decision }) => decision.matched);
  if (taken.length === 0) throw new PeftError('target/none-matched', noneMatched(survey));
  requireEntries(survey);
  return taken.map(({ target }) => target);
}
