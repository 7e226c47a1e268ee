import { PeftError } from '@peft/ops';
import { eagerEngine } from '../eagerEngine.ts';
import type { Engine, HostInputs, Program, StepFunction, TensorInputs } from '../engine.ts';
import type { AnyModel, TensorBatch } from '../model.ts';
import { noStrategy } from '../noStrategy.ts';
import { rowTensors } from '../tokenRows.ts';
import { attach, type TrainedAdapter } from '../trainedAdapter.ts';
import type { Snapshot } from '../tree.ts';
import { checkEvaluation } from './checkEvaluation.ts';
import type { Data } from './dataSource.ts';
import { isDataSource } from './dataSource.ts';
import type { Loss } from './loss.ts';
import { planAt } from './planAt.ts';
import type { StepPlan, TrainTree } from './stepPlan.ts';
import { taskFigures } from './taskFigures.ts';

/** Means over every counted item of the data. */
export type Evaluation = { readonly loss: number; readonly metrics: Readonly<Record<string, number>> };

export type EvaluatePlan = Pick<StepPlan, 'model' | 'weights' | 'strategy' | 'targets' | 'tokenTables' | 'loss'>;

/** The evaluation of one batch as a step function that leaves its state alone. */
export function evaluateStep(plan: EvaluatePlan) {
  return (snapshot: Snapshot, inputs: TensorInputs): ReturnType<StepFunction> => {
    const state = snapshot as TrainTree & { readonly strategy: Snapshot };
    const batch = inputs.batch as TensorBatch;
    const { sum, metrics } = taskFigures(plan, planAt(plan, state), batch);
    const sums = Object.entries(metrics).map(([name, compute]) => [name, compute()] as const);
    return { state: snapshot, metrics: { ...Object.fromEntries(sums), loss: sum } };
  };
}

/** Sums a program's metrics over all batches of epoch 0, in order, and divides by the counted items. */
export async function evaluateWith(program: Program<'evaluate'>, plan: EvaluatePlan, data: Data): Promise<Evaluation> {
  const sums: Record<string, number> = {};
  let count = 0;
  for await (const batch of isDataSource(data) ? data.batches(0, 0, 0) : data) {
    plan.loss.check?.(batch, plan.model.outputSize);
    const prepared = plan.loss.prepare?.(batch) ?? batch;
    const { metrics } = await program.run('evaluate', { batch: prepared } as HostInputs);
    for (const [name, sum] of Object.entries(metrics)) sums[name] = (sums[name] ?? 0) + sum;
    count += plan.loss.count(batch);
  }
  if (count === 0) {
    throw new PeftError(
      'data/empty',
      'the evaluation data has no counted items; pass a source that can be read more than once, such as batches().',
    );
  }
  const { loss = Number.NaN, ...metrics } = Object.fromEntries(
    Object.entries(sums).map(([name, sum]) => [name, sum / count]),
  );
  const derived = Object.entries(plan.loss.fromMean ?? {}).map(([name, from]) => [name, from(loss)] as const);
  return { loss, metrics: { ...metrics, ...Object.fromEntries(derived) } };
}

/** Loss and metrics of a model, with an adapter or without, on data. The penalty is no part of them. */
export async function evaluate(
  model: AnyModel,
  options: { readonly data: Data; readonly loss: Loss; readonly adapter?: TrainedAdapter; readonly engine?: Engine },
): Promise<Evaluation> {
  checkEvaluation(model, options);
  const { data, loss, adapter, engine = eagerEngine() } = options;
  const attached = adapter && (await attach(model, adapter, engine));
  const plan: EvaluatePlan = {
    model,
    loss,
    weights: attached?.weights ?? model.weights,
    strategy: adapter?.strategy ?? noStrategy,
    targets: adapter?.targets ?? [],
    tokenTables: adapter?.tokenRows ?? {},
  };
  const program = await engine.compile({ evaluate: evaluateStep(plan) }, plan.weights);
  await program.bind({
    adapter: adapter?.adapter.params ?? {},
    trained: adapter?.trained ?? {},
    tokenRows: rowTensors(adapter?.tokenRows ?? {}),
    strategy: adapter?.adapter.state ?? {},
  });
  try {
    return await evaluateWith(program, plan, data);
  } finally {
    await program.release();
    program.dispose();
    attached?.dispose();
  }
}
