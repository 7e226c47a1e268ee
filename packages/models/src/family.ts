import type { ModelParameter } from '@peft/checkpoint';
import type { AnyModel, Weights } from '@peft/core';

/** A kind of model: what makes one from a config.json and weights, and which parameters it has. */
export interface Family {
  model(config: Readonly<Record<string, unknown>>, weights: Weights): AnyModel;
  parameters(config: Readonly<Record<string, unknown>>): ReadonlyMap<string, ModelParameter>;
}
