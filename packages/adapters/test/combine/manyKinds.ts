import { type AnyModel, hostArray, sizeOf, type Target, Weights } from '@peft/core';
import { normals } from '@peft/ops';

/** Targets of every kind, no two sizes of one target alike but for one square one of each layout. */
export const targets: readonly Target[] = [
  { path: 'embed', kind: 'embedding', shape: [9, 5] },
  { path: 'layer.0.query', kind: 'dense', shape: [5, 5] },
  { path: 'layer.0.up', kind: 'dense', shape: [5, 8] },
  { path: 'layer.1.query', kind: 'dense', shape: [5, 5] },
  { path: 'square', kind: 'transposed-dense', shape: [5, 5] },
  { path: 'tied', kind: 'transposed-dense', shape: [9, 5] },
];

/** A model of these targets, for what needs its weights and not its outputs. */
export function manyKinds(seed = 1): AnyModel {
  const random = (path: string, shape: readonly number[], at: number) =>
    [path, hostArray(normals(seed * 100 + at, sizeOf(shape)), shape)] as const;
  const biases = ['layer.0.query', 'layer.0.up', 'layer.1.query'];
  const outputs = new Map(targets.map(({ path, shape }) => [path, shape[1] ?? 0]));
  return {
    targets,
    weights: new Weights([
      // The head "tied" has the values of the table "embed".
      ...targets.map(({ path, shape }, at) => random(`${path}.weight`, shape, path === 'tied' ? 0 : at)),
      ...biases.map((path, at) => random(`${path}.bias`, [outputs.get(path) ?? 0], 10 + at)),
    ]),
    apply() {
      throw new Error('this model is never called');
    },
  };
}
