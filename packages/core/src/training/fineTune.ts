import type { Seed } from '@peft/ops';
import type { Engine } from '../engine.ts';
import type { AnyModel } from '../model.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';
import type { ParameterGroup } from '../optimizers/parameterGroup.ts';
import type { AnyStrategy } from '../strategy.ts';
import type { TargetSelection } from '../targets/targetSelection.ts';
import type { BiasMode, TrainedAdapter } from '../trainedAdapter.ts';
import type { Weights } from '../weights.ts';
import type { BestBy, EarlyStopping } from './bestKeeper.ts';
import type { Data } from './dataSource.ts';
import type { Evaluation } from './evaluate.ts';
import type { TrainEvent } from './events.ts';
import type { Schedule } from './lanes.ts';
import type { Loss } from './loss.ts';
import type { ProgressOutput } from './progress.ts';
import { startRun } from './run.ts';
import { Trainer } from './trainer.ts';
import type { TrainingState, TrainingStore } from './trainingState.ts';

export type FineTuneOptions = {
  /** How to adapt; without it only modulesToSave and biases train. */
  readonly strategy?: AnyStrategy;
  /** Which modules: a regular expression, "all-linear", or a list of suffixes. Needed with a strategy. */
  readonly targets?: TargetSelection;
  readonly exclude?: string | RegExp | readonly string[];
  readonly layers?: number | readonly number[];
  readonly layersPattern?: string | readonly string[];
  /** Modules trained whole, by name or suffix, with all that is under them. */
  readonly modulesToSave?: readonly string[];
  /** Biases to train: of no module (the default), of every module, or of the adapted ones. */
  readonly bias?: BiasMode;
  readonly loss: Loss;
  readonly data: Data;
  /** Optimizer steps; give this or `epochs`. */
  readonly steps?: number;
  readonly epochs?: number;
  /** Micro-batches whose gradients make one step, equal to one big batch. */
  readonly accumulate?: number;
  readonly optimizer: Optimizer;
  /** Learning rate by step of a life, or one constant rate. */
  readonly schedule: Schedule | number;
  readonly groups?: readonly ParameterGroup[];
  /** Clips the norm over all gradients. */
  readonly maxGradientNorm?: number;
  readonly seed?: Seed;
  readonly evaluation?: { readonly data: Data; readonly every?: number } & BestBy;
  readonly earlyStopping?: EarlyStopping;
  /** End with the best evaluated state instead of the last; the default when stopping early. */
  readonly keepBest?: boolean;
  /** Keep finished links on the host, to save, resume, unwind and export a chain; on by default. */
  readonly keepLinks?: boolean;
  readonly checkpoints?: { readonly store: TrainingStore; readonly every: number };
  readonly resume?: TrainingState | undefined;
  /** Begin with the values of this adapter, loaded or trained before, which stays the caller's; moments and state are new. */
  readonly from?: TrainedAdapter | undefined;
  readonly engine?: Engine;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainEvent) => void;
  readonly onWarning?: (warning: string) => void;
  /** false for silence; by default standard error where there is one. */
  readonly progress?: boolean | ProgressOutput;
};

export type StopReason = 'finished' | 'stopped-early' | 'aborted';

export type RunResult = {
  /** Its tensors are the caller's: free them with `dispose`. */
  readonly adapter: TrainedAdapter;
  readonly reason: StopReason;
  /** The step whose state the adapter is. */
  readonly step: number;
  readonly evaluation?: Evaluation | undefined;
  /** The run's view of the base, with every merge of the run. */
  readonly weights: Weights;
  /** Frees adapter and weights. */
  dispose(): void;
};

/** A run under way. Iterate it for events from now on; await `result` for its end. */
export interface Run extends AsyncIterable<TrainEvent> {
  readonly result: Promise<RunResult>;
  /** Rests after the step under way; resolves then. */
  pause(): Promise<void>;
  resume(): void;
  /** Ends after the step under way, as aborting the signal does: the result is what was trained so far. */
  stop(): void;
  /** The whole run between two steps, also after it ended or failed. */
  state(): Promise<TrainingState>;
}

/**
 * Adapts a frozen model to data. The run begins at once and never writes the model's weights.
 * @throws PeftError for every wrong option together, before anything is trained.
 */
export function fineTune(model: AnyModel, options: FineTuneOptions): Run {
  return startRun(new Trainer(model, options), options);
}
