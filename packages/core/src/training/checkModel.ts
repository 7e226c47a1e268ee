import { PeftError } from '@peft/ops';
import type { AnyModel } from '../model.ts';
import type { Target } from '../target.ts';

/** Refuses what is no model of this library, a tf.LayersModel for one; the caller is named. Throws `model/record`. */
export function checkModel(model: AnyModel, caller = 'fineTune'): void {
  const lacks = [
    !Array.isArray(model?.targets) && 'targets (a list)',
    typeof model?.weights?.tensor !== 'function' && 'weights (new Weights(...))',
    typeof model?.apply !== 'function' && 'apply (a function of batch and at)',
  ].filter(Boolean);
  if (lacks.length === 0) return;
  throw new PeftError(
    'model/record',
    `${caller}: the model lacks ${lacks.join(', ')}; pass a record { targets, weights, apply }, or a model that loadPretrained of @peft/models read.`,
  );
}

/** Refuses targets whose weight has another shape than they say. Throws `model/target-shape` with all of them. */
export function checkTargetShapes({ weights }: AnyModel, targets: readonly Target[]): void {
  const wrong = targets.flatMap(({ path, shape }) => {
    const stored = weights.get(`${path}.weight`).shape;
    return `${stored}` === `${shape}` ? [] : [`"${path}" says [${shape}], its weight is [${stored}]`];
  });
  if (wrong.length === 0) return;
  throw new PeftError(
    'model/target-shape',
    `fineTune: targets disagree with their weights: ${wrong.join('; ')}; give each target the shape of its weight, [in, out] where it is dense.`,
  );
}
