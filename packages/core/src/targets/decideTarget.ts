import type { Target } from '../target.ts';
import type { CompiledSelection } from './compileSelection.ts';
import type { PathHit } from './pathRule.ts';

/** What a selection decides about one target, with what decided it. */
export type Decision =
  | { readonly matched: true; readonly hit: PathHit | 'all-linear'; readonly bypassedLayer?: number }
  | {
      readonly matched: false;
      readonly because: 'excluded' | 'saved';
      readonly rule: string;
      readonly wouldMatch: boolean;
    }
  | { readonly matched: false; readonly because: 'layer'; readonly hit: PathHit; readonly layer: number | undefined }
  | { readonly matched: false; readonly because: 'kind' | 'output-head' | 'no-rule' };

/** Decides about one target: exclusions first, then the rule, then the layer filter. Everything else reports this. */
export function decideTarget(target: Target, selection: CompiledSelection): Decision {
  const { path } = target;
  const excluded = selection.excludeRule(path);
  const saved = excluded ?? selection.savedRule(path);
  if (saved === undefined) return decideByRule(target, selection);
  const wouldMatch = decideByRule(target, selection).matched;
  return { matched: false, because: excluded ? 'excluded' : 'saved', rule: saved.rule, wouldMatch };
}

function decideByRule({ path, kind }: Target, selection: CompiledSelection): Decision {
  if (selection.isAllLinear) {
    if (kind !== 'dense') return { matched: false, because: 'kind' };
    const isHead = selection.options.outputHead?.includes(path) === true;
    return isHead ? { matched: false, because: 'output-head' } : { matched: true, hit: 'all-linear' };
  }
  const hit = selection.targetRule(path);
  if (hit === undefined) return { matched: false, because: 'no-rule' };
  if (selection.layers === undefined) return { matched: true, hit };
  const layer = selection.layerOf(path);
  const isWanted = layer !== undefined && selection.layers.includes(layer);
  if (isWanted) return { matched: true, hit };
  if (hit.by === 'name')
    return layer === undefined ? { matched: true, hit } : { matched: true, hit, bypassedLayer: layer };
  return { matched: false, because: 'layer', hit, layer };
}
