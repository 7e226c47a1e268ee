import type { ModelParameter } from '@peft/checkpoint';
import { PeftError, type Weights } from '@peft/core';

/** Refuses weights that are not exactly a model's parameters; throws `model/weights` with every one that does not fit. */
export function checkWeights(weights: Weights, parameters: ReadonlyMap<string, ModelParameter>): void {
  const missing = [...parameters.keys()].filter((path) => !weights.has(path));
  const unexpected = weights.paths.filter((path) => !parameters.has(path));
  const misshapen = [...parameters].flatMap(([path, { shape }]) => {
    const actual = weights.has(path) ? weights.get(path).shape : shape;
    return `${actual}` === `${shape}` ? [] : [`${path} is [${actual}], expected [${shape}]`];
  });
  const problems = [
    ...missing.map((path) => `${path} is missing`),
    ...unexpected.map((path) => `${path} is not a parameter of this model`),
    ...misshapen,
  ];
  if (problems.length === 0) return;
  throw new PeftError(
    'model/weights',
    `${problems.length} weights do not fit the model that the config describes; pass weights [in, out] of that model:${problems.map((problem) => `\n  ${problem}`).join('')}`,
  );
}
