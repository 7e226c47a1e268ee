import type { Program, StepMetrics, StepResult } from '../engine.ts';
import type { StepFunctions } from './stepFunctions.ts';
import type { StepInputs } from './stepInputs.ts';

/** One optimizer step of a program: whole on one batch, in parts on several. Throws `failure` of metrics not finite. */
export async function takeStep(
  program: Program<keyof StepFunctions>,
  { batches, update }: StepInputs,
  failure: (metrics: StepMetrics) => Promise<Error>,
): Promise<StepMetrics> {
  const finite = async ({ metrics }: StepResult) => {
    if (Object.values(metrics).every(Number.isFinite)) return metrics;
    throw await failure(metrics);
  };
  const [first] = batches;
  if (first && batches.length === 1) return finite(await program.run('train', { ...first, ...update }));
  let loss = 0;
  for (const batch of batches) {
    const metrics = await finite(await program.run('accumulate', batch));
    loss += metrics.loss as number;
  }
  return { loss, ...(await finite(await program.run('update', update))) };
}
