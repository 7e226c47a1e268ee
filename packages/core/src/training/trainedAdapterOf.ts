import { baseFacts } from '../baseFacts.ts';
import type { FinishedLink } from '../finishedLink.ts';
import type { AnyModel } from '../model.ts';
import { withRows } from '../tokenRows.ts';
import type { TrainedAdapter } from '../trainedAdapter.ts';
import { fileConfigOf } from './fileConfigOf.ts';
import type { FineTuneOptions } from './fineTune.ts';
import type { RunPlan } from './planRun.ts';
import type { StepState } from './stepPlan.ts';

/** What a run hands over: its last or best state, and what names it. */
export function trainedAdapterOf(
  model: AnyModel,
  options: FineTuneOptions,
  {
    plan: { strategy, targets, tokenTables },
    state,
    finished,
  }: {
    readonly plan: RunPlan;
    readonly state: Pick<StepState, 'adapter' | 'strategy' | 'trained' | 'tokenRows'>;
    readonly finished: readonly FinishedLink[];
  },
): TrainedAdapter {
  const { modulesToSave = [], bias = 'none' } = options;
  return {
    ...baseFacts(model),
    strategy,
    targets,
    fileConfig: fileConfigOf(options),
    finished,
    modulesToSave,
    bias,
    adapter: { params: state.adapter ?? {}, state: state.strategy ?? {} },
    trained: state.trained ?? {},
    tokenRows: withRows(tokenTables, state.tokenRows ?? {}),
  };
}
