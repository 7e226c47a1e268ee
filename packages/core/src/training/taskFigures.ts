import type { Scalar } from '@tensorflow/tfjs';
import type { At, TensorBatch } from '../model.ts';
import type { HeadFigures } from './loss.ts';
import type { StepPlan } from './stepPlan.ts';

/** A loss's sum over one batch and its metrics: from the model's head where both know that way, else from its output. */
export function taskFigures(
  { model, loss }: Pick<StepPlan, 'model' | 'loss'>,
  at: At,
  batch: TensorBatch,
): Required<HeadFigures> {
  const { linearHead } = model;
  if (linearHead && loss.ofHead) {
    const { path } = linearHead;
    const figures = loss.ofHead(
      {
        states: (rows) => linearHead.states(batch, at, rows),
        output: (states) => at.linear(path, states),
        frozen: at.frozen(path),
      },
      batch,
    );
    return { metrics: {}, ...figures };
  }
  const output = model.apply(batch, at);
  const metrics = Object.entries(loss.metrics ?? {}).map(
    ([name, sum]) => [name, (): Scalar => sum(output, batch)] as const,
  );
  return { sum: loss.sum(output, batch), metrics: Object.fromEntries(metrics) };
}
