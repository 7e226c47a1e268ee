import { PeftError } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import type { AnyModel } from '../model.ts';
import { rowTensors, type TokenTable } from '../tokenRows.ts';
import { checkFingerprint, type TrainedAdapter } from '../trainedAdapter.ts';
import { leavesOf, mapTree } from '../tree.ts';
import type { TrainTree } from './stepPlan.ts';

/**
 * A fresh run's parameters with the values of a trained adapter, as copies. Throws `model/fingerprint`, and
 * `option/from` with every leaf that the run does not have or has in another shape.
 */
export function startFrom(
  from: TrainedAdapter,
  fresh: TrainTree,
  { model, tokenTables }: { readonly model: AnyModel; readonly tokenTables: Readonly<Record<string, TokenTable>> },
): TrainTree {
  checkFingerprint(model, from.fingerprint, 'the adapter to start from');
  const tokenRows = rowTensors(from.tokenRows);
  const given = new Map(leavesOf({ adapter: from.adapter.params, trained: from.trained, tokenRows }));
  const problems = from.finished.length === 0 ? [] : [`finished links: ${from.finished.length}`];
  const leaves = new Map(leavesOf(fresh));
  for (const [path, leaf] of leaves) {
    const found = given.get(path);
    if (!found && path.startsWith('adapter/')) problems.push(`${path} [${leaf.shape}] is missing`);
    if (found && `${found.shape}` !== `${leaf.shape}`)
      problems.push(`${path} is [${found.shape}], here [${leaf.shape}]`);
  }
  for (const [table, { ids }] of Object.entries(from.tokenRows)) {
    const here = tokenTables[table]?.ids;
    if (here && `${ids}` !== `${here}`) problems.push(`tokenRows/${table} are rows ${ids}, here ${here}`);
  }
  for (const path of given.keys()) if (!leaves.has(path)) problems.push(`${path} is not trained here`);
  if (problems.length > 0) {
    throw new PeftError(
      'option/from',
      `fineTune: the adapter to start from is not one of this run; give the run its strategy, targets, modulesToSave, bias and trainableTokens. A chain's links and ranks that were pruned cannot be trained further, only merged:${problems.map((problem) => `\n- ${problem}.`).join('')}`,
    );
  }
  return mapTree(fresh, (leaf, path) => tf.clone(given.get(path) ?? leaf));
}
