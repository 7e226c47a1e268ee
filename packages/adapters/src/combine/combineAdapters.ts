import {
  type AnyModel,
  baseFacts,
  exactPattern,
  type HostArray,
  hostArray,
  layerKindOf,
  type Target,
  type TrainedAdapter,
  toTensor,
} from '@peft/core';
import { lora } from '@peft/lora';
import { joinedFileConfig } from '../joinedFileConfig.ts';
import { checkCombination } from './checkCombination.ts';
import { combinedPair, wholeNorm } from './combinedPair.ts';
import { combinedParameters } from './combinedParameters.ts';
import { combinedRows } from './combinedRows.ts';
import type { CombineOptions, WeightedAdapter } from './combineOptions.ts';
import { eachTarget } from './eachTarget.ts';
import { freshPair } from './freshPair.ts';
import { savedWith } from './savedWith.ts';
import { withMerged } from './withMerged.ts';

/** What became of one target. */
export type CombinedTarget = {
  readonly path: string;
  /** 0: the change is 0, and the target is not adapted. */
  readonly rank: number;
  /** Frobenius norm of the combined change. */
  readonly norm: number;
  /** Frobenius norm of what the rank leaves out, over that of the change. */
  readonly error: number;
};

export type CombinedAdapter = {
  /** Of strategy `lora`; `disposeAdapter` frees it. The adapters it was made of stay as they were. */
  readonly adapter: TrainedAdapter;
  /** Every target that any of the adapters changes, in the model's order. */
  readonly report: readonly CombinedTarget[];
};

/**
 * One LoRA adapter of several adapters of one base, each times its weight. Every method works on the changes that the
 * adapters make to the weights, computed in float64, and not on their factors.
 * @throws PeftError `combine/options` with everything that is wrong with the call, `combine/not-finite`, `combine/kind`
 */
export async function combineAdapters(
  model: AnyModel,
  adapters: readonly WeightedAdapter[],
  options: CombineOptions = {},
): Promise<CombinedAdapter> {
  const { combination, sources } = checkCombination(model, { caller: 'combineAdapters', adapters, options });
  return withMerged(model, sources, async (merged) => {
    const parameters = await combinedParameters(model, merged);
    const rows = await combinedRows(model, sources);
    const saved = savedWith(model, sources, parameters);
    const pairs = new Map<Target, { readonly a: HostArray; readonly b: HostArray }>();
    const report: CombinedTarget[] = [];
    await eachTarget(model, merged, {
      except: (path) => Object.hasOwn(parameters, path),
      onProgress: options.onProgress,
      visit(target, changes) {
        const pair = combinedPair(changes, { path: target.path, combination });
        const rank = pair.a.columns;
        const norm = wholeNorm(pair);
        report.push({ path: target.path, rank, norm, error: norm === 0 ? 0 : pair.residual / norm });
        if (rank > 0) {
          const shapes = layerKindOf(target).factorShapes(target, rank);
          const upload = (side: 'a' | 'b') => hostArray(Float32Array.from(pair[side].values), shapes[side]);
          pairs.set(target, { a: upload('a'), b: upload('b') });
        } else if (saved.needsTarget(target)) {
          pairs.set(target, freshPair(target));
        }
      },
    });
    const trained = saved.parameters([...pairs.keys()]);
    const ranks = [...pairs].map(([{ path }, { b }]): [string, number] => [path, b.shape[0] ?? 0]);
    const { usual, pattern } = exactPattern(Object.fromEntries(ranks));
    const tensors = ([{ path }, { a, b }]: readonly [Target, { readonly a: HostArray; readonly b: HostArray }]) =>
      [path, { a: toTensor(a), b: toTensor(b) }] as const;
    return {
      report,
      adapter: {
        ...baseFacts(model),
        strategy: lora({ rank: usual, alpha: usual, rankPattern: pattern, alphaPattern: pattern }),
        adapter: { params: Object.fromEntries([...pairs].map(tensors)), state: {} },
        targets: [...pairs.keys()],
        trained: Object.fromEntries(Object.entries(trained).map(([path, array]) => [path, toTensor(array)])),
        tokenRows: Object.fromEntries(
          Object.entries(rows).map(([path, table]) => [path, { ...table, rows: toTensor(table.rows) }]),
        ),
        modulesToSave: saved.modulesToSave,
        bias: saved.bias,
        fileConfig: joinedFileConfig(sources.map(({ adapter }) => adapter)),
        finished: [],
      },
    };
  });
}
