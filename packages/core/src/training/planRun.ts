import { PeftError, type Seed } from '@peft/ops';
import type { AnyModel } from '../model.ts';
import { noStrategy } from '../noStrategy.ts';
import { checkGroups, type ParameterGroup } from '../optimizers/parameterGroup.ts';
import { requireInRange } from '../requireInRange.ts';
import type { AnyStrategy } from '../strategy.ts';
import type { Target } from '../target.ts';
import { selectTargets } from '../targets/selectTargets.ts';
import type { TargetOptions } from '../targets/targetSelection.ts';
import { targetWarnings } from '../targets/targetWarnings.ts';
import type { TokenTable } from '../tokenRows.ts';
import { checkEarlyStopping } from './bestKeeper.ts';
import { checkCheckpoints } from './checkCheckpoints.ts';
import { checkModel, checkTargetShapes } from './checkModel.ts';
import { checkOptionKinds } from './checkOptionKinds.ts';
import { checkOptionNames } from './checkOptionNames.ts';
import { isDataSource } from './dataSource.ts';
import type { FineTuneOptions } from './fineTune.ts';
import { isUnder } from './isUnder.ts';
import type { Schedule } from './lanes.ts';
import { planTokens } from './planTokens.ts';
import { Problems } from './problems.ts';
import { requireTrainingState } from './trainingState.ts';

/** A run's options, checked and resolved. */
export type RunPlan = {
  readonly strategy: AnyStrategy;
  readonly targets: readonly Target[];
  /** Full paths of the parameters trained whole. */
  readonly trained: readonly string[];
  /** Of which rows are trained, by path. */
  readonly tokenTables: Readonly<Record<string, TokenTable>>;
  readonly totalSteps: number;
  readonly accumulate: number;
  readonly evaluateEvery: number;
  readonly schedule: Schedule;
  readonly groups: readonly ParameterGroup[];
  readonly seed: Seed;
  readonly keepBest: boolean;
  readonly keepLinks: boolean;
  /** What is allowed but probably not meant. */
  readonly warnings: readonly string[];
};

/** Checks every option and throws once, with all that is wrong. */
export function planRun(model: AnyModel, options: FineTuneOptions): RunPlan {
  checkModel(model);
  if (!options)
    throw new PeftError(
      'option/missing',
      'fineTune: no options were given; loss, data, optimizer, schedule and steps or epochs are needed.',
    );
  const problems = new Problems();
  problems.of(() => checkOptionNames(options));
  checkOptionKinds(options, problems);
  const { strategy = noStrategy, accumulate = 1, seed = 0, schedule, groups = [] } = options;
  const keepLinks = options.keepLinks ?? true;
  const keepBest = options.keepBest ?? options.earlyStopping !== undefined;

  problems.of(() => requireInRange('fineTune', { accumulate }, { from: 1, integer: true }));
  problems.of(() => requireInRange('fineTune', { seed }, { from: 0, below: 2 ** 32, integer: true }));
  problems.of(() => checkGroups(groups));
  if (options.maxGradientNorm !== undefined) {
    const { maxGradientNorm } = options;
    problems.of(() => requireInRange('fineTune', { maxGradientNorm }, { above: 0 }));
  }
  if (options.checkpoints) {
    const { checkpoints } = options;
    problems.of(() => checkCheckpoints(checkpoints));
    problems.when(!keepLinks, 'checkpoints need the finished links, but keepLinks is false; drop one of the two.');
  }
  if (options.resume !== undefined) {
    const { resume } = options;
    problems.of(() => requireTrainingState(resume));
  }
  if (options.evaluation?.every !== undefined) {
    const { every } = options.evaluation;
    problems.of(() => requireInRange('fineTune: evaluation', { every }, { from: 1, integer: true }));
  }
  if (options.earlyStopping) {
    const { earlyStopping } = options;
    problems.of(() => checkEarlyStopping(earlyStopping));
  }
  problems.when(
    (keepBest || options.earlyStopping !== undefined) && !options.evaluation,
    'earlyStopping and keepBest need evaluation data; pass evaluation.',
  );
  problems.when(
    keepBest && !keepLinks,
    'keepBest may have to go back before a merge, but keepLinks is false; drop one of the two.',
  );
  problems.when(
    options.resume !== undefined && !isDataSource(options.data),
    'a plain iterable cannot be resumed: it has no position to return to; pass a data source such as batches().',
  );
  problems.when(
    options.checkpoints !== undefined && !isDataSource(options.data),
    'a run over a plain iterable cannot be resumed, so saving its state is of no use; pass a data source such as batches().',
  );
  problems.when(
    options.strategy !== undefined && options.targets === undefined,
    `strategy "${strategy.name}" needs targets; pass targets, for example "all-linear".`,
  );
  problems.when(
    options.strategy === undefined && options.targets !== undefined,
    'targets are given without a strategy to adapt them; pass strategy.',
  );

  const targets = problems.of(() => chooseTargets(model, options)) ?? [];
  problems.of(() => checkTargetShapes(model, targets));
  const trained = problems.of(() => trainedPaths(model, options, targets)) ?? [];
  const tokenTables = planTokens(model, options, { targets, problems });
  problems.when(
    problems.isEmpty && targets.length === 0 && trained.length === 0 && Object.keys(tokenTables).length === 0,
    'nothing would train; pass a strategy with targets, modulesToSave, bias or trainableTokens.',
  );
  const totalSteps = problems.of(() => stepCount(options, accumulate)) ?? 1;
  problems.throwAny();
  const selection = targetOptions(model, options);
  return {
    strategy,
    targets,
    trained,
    tokenTables,
    totalSteps,
    accumulate,
    evaluateEvery: options.evaluation?.every ?? stepsPerEpoch(options, accumulate) ?? totalSteps,
    schedule: typeof schedule === 'number' ? () => schedule : schedule,
    groups,
    seed,
    keepBest,
    keepLinks,
    warnings: selection ? targetWarnings(model.targets, selection) : [],
  };
}

function chooseTargets(model: AnyModel, options: FineTuneOptions): readonly Target[] {
  const selection = targetOptions(model, options);
  return selection ? selectTargets(model.targets, selection) : [];
}

function targetOptions(model: AnyModel, options: FineTuneOptions): TargetOptions | undefined {
  const { strategy, targets, exclude, layers, layersPattern, modulesToSave } = options;
  if (!strategy || targets === undefined) return undefined;
  return { targets, exclude, layers, layersPattern, modulesToSave, outputHead: model.outputHead };
}

function trainedPaths(
  model: AnyModel,
  { modulesToSave = [], bias = 'none' }: FineTuneOptions,
  targets: readonly Target[],
): readonly string[] {
  const { paths } = model.weights;
  const unmatched = modulesToSave.filter((module) => !paths.some((path) => isUnder(path, module)));
  if (unmatched.length > 0) {
    throw new PeftError(
      'target/no-module',
      `modulesToSave: no parameter lies under ${unmatched.map((module) => `"${module}"`).join(', ')}; name a module of the model, such as "${paths[0]?.split('.').slice(0, -1).join('.')}".`,
    );
  }
  const adapted = new Set(targets.map(({ path }) => `${path}.bias`));
  const isBias = (path: string) => (bias === 'all' ? path.endsWith('.bias') : bias === 'adapted' && adapted.has(path));
  return paths.filter((path) => isBias(path) || modulesToSave.some((module) => isUnder(path, module)));
}

function stepCount(options: FineTuneOptions, accumulate: number): number {
  const { steps, epochs } = options;
  if (steps !== undefined && epochs === undefined) {
    requireInRange('fineTune', { steps }, { from: 1, integer: true });
    return steps;
  }
  if (epochs !== undefined && steps === undefined) {
    requireInRange('fineTune', { epochs }, { above: 0 });
    const perEpoch = isDataSource(options.data) ? options.data.batchesPerEpoch : undefined;
    if (perEpoch === undefined) {
      throw new PeftError(
        'option/epochs',
        'fineTune: epochs needs a data source that knows its batchesPerEpoch; pass steps instead.',
      );
    }
    return Math.max(1, Math.floor((epochs * perEpoch) / accumulate));
  }
  throw new PeftError(
    'option/length',
    `fineTune: ${steps === undefined ? 'neither steps nor epochs is' : 'steps and epochs are both'} given; pass one of the two.`,
  );
}

function stepsPerEpoch({ data }: FineTuneOptions, accumulate: number): number | undefined {
  const perEpoch = isDataSource(data) ? data.batchesPerEpoch : undefined;
  return perEpoch === undefined ? undefined : Math.max(1, Math.ceil(perEpoch / accumulate));
}
