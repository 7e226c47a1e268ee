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
import type { TrainableTokens } from './planTokens.ts';
import type { ProgressOutput } from './progress.ts';
import { startRun } from './run.ts';
import type { Checkpoints } from './saveState.ts';
import { Trainer } from './trainer.ts';
import type { TrainingState } from './trainingState.ts';

export type FineTuneOptions = {
  /** How to adapt; without it only modulesToSave, biases and trainableTokens train. */
  readonly strategy?: AnyStrategy;
  /** Which modules: a regular expression, "all-linear", or a list of suffixes. Needed with a strategy. */
  readonly targets?: TargetSelection;
  /** Modules to leave alone (`exclude_modules`). */
  readonly exclude?: string | RegExp | readonly string[];
  /** Layer numbers that a suffix match is limited to (`layers_to_transform`). */
  readonly layers?: number | readonly number[];
  /** Names of the container whose number counts as the layer (`layers_pattern`). */
  readonly layersPattern?: string | readonly string[];
  /** Modules trained whole, by name or suffix, with all that is under them. */
  readonly modulesToSave?: readonly string[];
  /** Biases to train: of no module (the default), of every module, or of the adapted ones. */
  readonly bias?: BiasMode;
  /** Rows of embeddings to train (`trainable_token_indices`): of the input embedding, or by the path of their table or its end. */
  readonly trainableTokens?: TrainableTokens;
  /** What is minimised: `classification()`, `regression()` or a `Loss` of your own. */
  readonly loss: Loss;
  /** A source such as `batches(columns, { batchSize })`, or an iterable of batches, which cannot be resumed. */
  readonly data: Data;
  /** Optimizer steps; give this or `epochs`. */
  readonly steps?: number;
  /** Passes over a source that knows its `batchesPerEpoch`; give this or `steps`. */
  readonly epochs?: number;
  /** Micro-batches whose gradients make one step, equal to one big batch; 1. */
  readonly accumulate?: number;
  /** `adamw()` or `sgd()`; the learning rate is the schedule's. */
  readonly optimizer: Optimizer;
  /** Learning rate by step of a life, or one constant rate. */
  readonly schedule: Schedule | number;
  /** Leaves with a learning-rate factor or weight decay of their own, such as `loraPlus(16)`. */
  readonly groups?: readonly ParameterGroup[];
  /** Clips the norm over all gradients. */
  readonly maxGradientNorm?: number;
  /** Of initialisation, order of the data and dropout; 0. Same seed, same run, to the bit on one backend. */
  readonly seed?: Seed;
  /** Measures loss and metrics every so many steps (by default every epoch) and at the end; a metric needs a mode. */
  readonly evaluation?: { readonly data: Data; readonly every?: number } & BestBy;
  /** Ends the run when evaluations stop improving. */
  readonly earlyStopping?: EarlyStopping;
  /** End with the best evaluated state instead of the last; the default when stopping early. */
  readonly keepBest?: boolean;
  /** Keep finished links on the host, to save, resume, unwind and export a chain; on by default. */
  readonly keepLinks?: boolean;
  /** Where the run's state is saved, every so many steps and at the end: `trainingDirectory` of @peft/checkpoint. */
  readonly checkpoints?: Checkpoints;
  /** A saved state, from which the run goes on to the bit. */
  readonly resume?: TrainingState | undefined;
  /** Begin with the values of this adapter, loaded or trained before, which stays the caller's; moments and state are new. */
  readonly from?: TrainedAdapter | undefined;
  /** What runs the step function; `eagerEngine()`. */
  readonly engine?: Engine;
  /** Aborting ends the run after the step under way; the result is what was trained so far. */
  readonly signal?: AbortSignal;
  /** Called with every event of the run; an error it throws ends the run. */
  readonly onEvent?: (event: TrainEvent) => void;
  /** By default `console.warn`. */
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
