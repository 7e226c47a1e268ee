import { benchedModels } from '../step/benchedModel.ts';
import type { StepRow } from '../step/stepRow.ts';

/** A row in a few words. */
export function rowTitle({ model, method, engine, batch, seq, dropout, targets }: StepRow): string {
  const title = benchedModels[model]?.title ?? model;
  const more = [
    targets === 'all-linear' && 'all linears',
    dropout > 0 && `dropout ${dropout}`,
    engine !== 'onnx' && engine,
  ];
  return [`${title}, ${method}, ${batch}x${seq}`, ...more.filter(Boolean)].join(', ');
}
