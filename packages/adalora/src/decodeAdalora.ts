import {
  type AdapterFile,
  type HostSnapshot,
  hostArray,
  layerKindOf,
  matchTensors,
  PeftError,
  type Target,
  type TensorShapes,
} from '@peft/core';
import type { AdaLoraOptions } from './adaloraOptions.ts';
import { pythonScaling } from './pythonScaling.ts';

export type DecodedAdalora = {
  readonly options: AdaLoraOptions;
  readonly params: HostSnapshot;
  readonly state: HostSnapshot;
};

/**
 * Options, parameters and a finished state of a file, whose tensors must be exactly those that its rank pattern gives
 * the adapted targets.
 * @throws PeftError `adalora/config` with every setting that is missing or wrong, `adalora/tensors` with every tensor
 * that is missing, left over or of another shape.
 */
export function decodeAdalora({ config, tensors }: AdapterFile, targets: readonly Target[]): DecodedAdalora {
  const read = readConfig(config, targets);
  const { initRank, totalSteps, pattern } = read;
  const { found, expected, problems } = matchTensors(tensors, shapesOf(read, targets));
  if (problems.length > 0) {
    throw new PeftError(
      'adalora/tensors',
      `adalora: the adapter's tensors do not fit its config and the model, in ${problems.length} of ${expected} places; load the model and the config it was saved with:${problems.map((problem) => `\n- ${problem}.`).join('')}`,
    );
  }
  const masks = targets.map(({ path }) => {
    const live = pattern?.[path] ?? Array<boolean>(initRank).fill(true);
    return [`mask/${path}`, hostArray(live.map(Number))] as const;
  });
  return {
    options: read.options,
    params: Object.fromEntries(Object.entries(found).filter(([, { data }]) => data.length > 0)),
    state: { step: totalSteps, totalSteps, ...Object.fromEntries(masks) },
  };
}

/** Shapes of the tensors that a Python PEFT config gives the targets; throws `adalora/config` as `decodeAdalora`. */
export function adaloraShapes(config: AdapterFile['config'], targets: readonly Target[]): TensorShapes {
  return shapesOf(readConfig(config, targets), targets);
}

function shapesOf(
  { pattern, initRank }: { readonly pattern: Pattern | undefined; readonly initRank: number },
  targets: readonly Target[],
): TensorShapes {
  return Object.fromEntries(
    targets.map((target) => {
      const rank = liveCount(pattern, target, initRank);
      const { a, b } = layerKindOf(target).factorShapes(target, rank);
      return [target.path, { a, lambda: [rank], b }];
    }),
  );
}

type Pattern = Readonly<Record<string, readonly boolean[]>>;

function readConfig(config: AdapterFile['config'], targets: readonly Target[]) {
  const problems: string[] = [];
  const numberOf = (name: string, fallback: number, isRight: (value: number) => boolean): number => {
    const value = config[name] ?? fallback;
    if (typeof value === 'number' && isRight(value)) return value;
    problems.push(`${name} is ${JSON.stringify(value)}`);
    return 1;
  };
  const isCount = (value: number) => Number.isSafeInteger(value) && value >= 1;
  const initRank = numberOf('initR', 12, isCount);
  // Python writes the length of every life and loads no file without it; a finished one does not need it.
  const shortest = Number(config.tinit ?? 0) + Number(config.tfinal ?? 0) + 1;
  const totalSteps = numberOf('totalStep', Number.isSafeInteger(shortest) ? shortest : 1, isCount);
  const loraAlpha = numberOf('loraAlpha', 8, (value) => Number.isFinite(value) && value > 0);
  const pattern = (config.rankPattern ?? undefined) as Pattern | undefined;
  const paths = new Set(targets.map(({ path }) => path));
  // A target that the pattern leaves out has all its ranks, as in Python.
  for (const [path, live] of Object.entries<unknown>(pattern ?? {})) {
    const isRight = Array.isArray(live) && live.length === initRank && live.every((is) => typeof is === 'boolean');
    if (!paths.has(path)) problems.push(`rankPattern names "${path}", which is not among the adapted targets`);
    else if (!isRight)
      problems.push(`rankPattern of "${path}" is not a list of ${initRank} booleans, one for each of initR`);
  }
  if (problems.length > 0) {
    throw new PeftError(
      'adalora/config',
      `adalora: the adapter's config cannot be used; save the adapter again in Python:${problems.map((problem) => `\n- ${problem}.`).join('')}`,
    );
  }
  const value = <T>(name: string, fallback: T): T => (config[name] ?? fallback) as T;
  const options: AdaLoraOptions = {
    initRank,
    // Python lets target_r be above init_r; nothing is pruned then.
    targetRank: Math.min(value('targetR', 8), initRank),
    alpha: pythonScaling.alphaOf(loraAlpha, initRank),
    dropout: value('loraDropout', 0),
    warmupSteps: value('tinit', 0),
    finalSteps: value('tfinal', 0),
    allocateEvery: value('deltaT', 1),
    beta1: value('beta1', 0.85),
    beta2: value('beta2', 0.85),
    orthogonality: value('orthRegWeight', 0.5),
  };
  return { initRank, totalSteps, pattern, options };
}

function liveCount(pattern: Pattern | undefined, { path }: Target, initRank: number): number {
  return pattern?.[path]?.filter(Boolean).length ?? initRank;
}
