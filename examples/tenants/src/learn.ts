import { type AnyModel, adamw, batches, classification, type Engine, fineTune, type TrainedAdapter } from '@peft/core';
import { linear } from '@peft/schedulers';
import type { Tenant } from './tenant.ts';

const targets = ['query', 'key', 'value', 'dense', 'classifier'];

/** Trains an adapter on a tenant's images; others are answered meanwhile. */
export async function learn(
  model: AnyModel,
  tenant: Tenant,
  { steps, engine }: { readonly steps: number; readonly engine: Engine },
): Promise<TrainedAdapter> {
  const run = fineTune(model, {
    strategy: tenant.strategy(),
    targets,
    loss: classification(),
    data: batches(tenant.train, { batchSize: 16, dropLast: true }),
    steps,
    optimizer: adamw({ weightDecay: 0.01 }),
    schedule: linear(5e-3),
    maxGradientNorm: 1,
    seed: 1,
    progress: false,
    engine,
  });
  return (await run.result).adapter;
}
