export { fold, isPeftError, PeftError, type Seed } from '@peft/ops';
export { type AdaptedAtOptions, adaptedAt } from './adaptedAt.ts';
export { type BaseFacts, baseFacts } from './baseFacts.ts';
export { eagerEngine } from './eagerEngine.ts';
export { type Effect, effectsOfPart, partOf } from './effect.ts';
export type { Engine, HostInputs, Program, StepFunction, StepMetrics, StepResult, TensorInputs } from './engine.ts';
export type { AdapterFile, FileFormat, TensorShapes } from './fileFormat.ts';
export type { FinishedLink } from './finishedLink.ts';
export { type FirstEngine, type FirstEngineOptions, firstEngine } from './firstEngine.ts';
export {
  type DType,
  fromTensor,
  type HostArray,
  hostArray,
  sizeOf,
  type TypedArray,
  toFloat32,
  toTensor,
} from './hostArray.ts';
export { kindOf } from './kindOf.ts';
export { type LayerKind, layerKindOf, registerLayerKind } from './layerKind.ts';
export { type MatchedTensors, matchTensors } from './matchTensors.ts';
export type { AnyModel, At, BatchInput, FrozenLinear, LinearHead, Model, TensorBatch } from './model.ts';
export { type AdamwOptions, adamw } from './optimizers/adamw.ts';
export type { Optimizer, OptimizerCall, Slots } from './optimizers/optimizer.ts';
export { loraPlus, type ParameterGroup } from './optimizers/parameterGroup.ts';
export { type SgdOptions, sgd } from './optimizers/sgd.ts';
export { perTarget, type Route } from './perTarget.ts';
export { replaceRows } from './replaceRows.ts';
export { type Range, requireInRange } from './requireInRange.ts';
export { requireAdapter } from './requireTrained.ts';
export { sameValues } from './sameValues.ts';
export type {
  Adapter,
  AnyAdapter,
  AnyStrategy,
  Clock,
  Context,
  LinearCall,
  Step,
  Strategy,
  UpdateCall,
} from './strategy.ts';
export type { Target } from './target.ts';
export { checkPatterns } from './targets/checkPatterns.ts';
export { type ExactPattern, exactPattern } from './targets/exactPattern.ts';
export { explainTargets, type TargetExplanation } from './targets/explainTargets.ts';
export { editDistance } from './targets/nearestNames.ts';
export { patternKeys, patternResolver, type TargetPattern } from './targets/patternResolver.ts';
export { selectTargets } from './targets/selectTargets.ts';
export { targetMatcher } from './targets/targetMatcher.ts';
export type { TargetOptions, TargetSelection } from './targets/targetSelection.ts';
export { targetWarnings } from './targets/targetWarnings.ts';
export { tiedHeads } from './tiedHeads.ts';
export { rowTensors, type TokenRows, type TokenTable, withRows } from './tokenRows.ts';
export {
  type AdaptedModel,
  attach,
  type BiasMode,
  checkFingerprint,
  combinedFactors,
  disposeAdapter,
  mergeAdapter,
  type TrainedAdapter,
} from './trainedAdapter.ts';
export type { DataPosition } from './training/batchReader.ts';
export type { BestBy, EarlyStopping } from './training/bestKeeper.ts';
export { type BatchesOptions, batches, type Data, type DataSource } from './training/dataSource.ts';
export { type Evaluation, evaluate } from './training/evaluate.ts';
export type { TrainEvent } from './training/events.ts';
export { type FineTuneOptions, fineTune, type Run, type RunResult, type StopReason } from './training/fineTune.ts';
export { type HostSnapshot, readSnapshot, uploadSnapshot } from './training/hostSnapshot.ts';
export type { Schedule } from './training/lanes.ts';
export {
  causalLanguageModeling,
  type LanguageModelingOptions,
  maskedLanguageModeling,
} from './training/languageModeling.ts';
export {
  type ClassificationOptions,
  classification,
  type Head,
  type HeadFigures,
  type HostBatch,
  type Loss,
  regression,
} from './training/loss.ts';
export type { TrainableTokens } from './training/planTokens.ts';
export type { ProgressOutput } from './training/progress.ts';
export type { RunSettings } from './training/runSettings.ts';
export type { Checkpoints } from './training/saveState.ts';
export {
  type BestState,
  type TrainingState,
  type TrainingStore,
  trainingStateVersion,
} from './training/trainingState.ts';
export { trainingStateProblems } from './training/trainingStateProblems.ts';
export { entry, leavesOf, mapLeaves, mapTree, type Snapshot, type Tree, tensorsOf, treeOf } from './tree.ts';
export { unwind } from './unwind.ts';
export { uploadInputs } from './uploadInputs.ts';
export { Weights } from './weights.ts';
