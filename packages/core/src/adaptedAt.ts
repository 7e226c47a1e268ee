import { fold, PeftError } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { layerKindOf } from './layerKind.ts';
import type { At } from './model.ts';
import { replaceLookups, replaceProducts, replaceRows } from './replaceRows.ts';
import type { AnyAdapter, AnyStrategy } from './strategy.ts';
import type { Target } from './target.ts';
import type { TokenRows } from './tokenRows.ts';
import type { Weights } from './weights.ts';

export type AdaptedAtOptions = {
  readonly weights: Weights;
  /** Every target of the model, adapted or not: the layer kinds of its modules. */
  readonly modules: readonly Target[];
  readonly strategy?: AnyStrategy;
  readonly adapter?: AnyAdapter;
  readonly targets?: readonly Target[];
  /** Fully trained parameters by full path, in place of the frozen ones. */
  readonly trained?: Readonly<Record<string, tf.Tensor>>;
  /** Trained rows by the path of their table. */
  readonly tokenRows?: Readonly<Record<string, TokenRows>>;
  /** 0-d int32: the key of this step and micro-batch; present when training. */
  readonly stepKey?: tf.Scalar | undefined;
};

/** Weights, trained parameters and an adapter as one model sees them. Good for one forward pass. */
export function adaptedAt(options: AdaptedAtOptions): At {
  const { weights, strategy, adapter, trained = {}, tokenRows = {}, stepKey } = options;
  const modules = byPath(options.modules);
  const adapted = byPath(options.targets ?? []);
  const rowsOf = byModule(tokenRows);
  const calls = new Map<string, number>();

  const stored = (path: string): tf.Tensor =>
    (Object.hasOwn(trained, path) ? trained[path] : undefined) ?? weights.tensor(path);

  const parameter = (path: string): tf.Tensor => {
    const rows = path.endsWith('.weight') ? rowsOf.get(path.slice(0, -'.weight'.length)) : undefined;
    return rows ? replaceRows(stored(path), rows) : stored(path);
  };

  const apply = (module: Target, input: tf.Tensor): tf.Tensor => {
    const weight = stored(`${module.path}.weight`);
    const { apply: applyKind, takesIds } = layerKindOf(module);
    const output = applyKind(input, weight);
    const rows = rowsOf.get(module.path);
    if (!rows) return output;
    const vocabulary = weight.shape[0] as number;
    return takesIds ? replaceLookups(output, input, { ...rows, vocabulary }) : replaceProducts(output, input, rows);
  };

  const call = (path: string, input: tf.Tensor, takesIds: boolean): tf.Tensor => {
    const module = modules.get(path);
    if (!module || (layerKindOf(module).takesIds ?? false) !== takesIds) {
      throw new PeftError(
        'model/unknown-module',
        `the model calls ${takesIds ? 'embedding' : 'dense'} layer "${path}", which is not among its ${modules.size} targets; list it in the model's targets.`,
      );
    }
    const output = apply(module, input);
    const target = adapted.get(path);
    if (!target || !strategy || !adapter) return output;
    const index = calls.get(path) ?? 0;
    calls.set(path, index + 1);
    return strategy.forward(adapter, target, {
      input,
      get weight() {
        return parameter(`${path}.weight`);
      },
      output,
      training: stepKey !== undefined,
      get dropoutKey() {
        return dropoutKeyOf(stepKey, path, index);
      },
    });
  };

  return {
    parameter,
    embedding: (path, ids) => call(path, ids, true),
    linear(path, x) {
      const output = call(path, x, false);
      const bias = `${path}.bias`;
      return weights.has(bias) ? tf.add(output, parameter(bias)) : output;
    },
    frozen(path) {
      const module = modules.get(path);
      const axis = module && layerKindOf(module).outputAxis;
      const [weight, bias] = [`${path}.weight`, `${path}.bias`];
      if (
        axis === undefined ||
        adapted.has(path) ||
        rowsOf.has(path) ||
        [weight, bias].some((each) => Object.hasOwn(trained, each))
      ) {
        return undefined;
      }
      return {
        weight: parameter(weight),
        ...(weights.has(bias) && { bias: parameter(bias) }),
        isTransposed: axis === 0,
      };
    },
  };
}

/** Rows by the path of every module that sees them. */
function byModule(tokenRows: Readonly<Record<string, TokenRows>>): ReadonlyMap<string, TokenRows> {
  return new Map(
    Object.entries(tokenRows).flatMap(([table, rows]) => [table, ...rows.heads].map((path) => [path, rows] as const)),
  );
}

function byPath(targets: readonly Target[]): ReadonlyMap<string, Target> {
  return new Map(targets.map((target) => [target.path, target]));
}

function dropoutKeyOf(stepKey: tf.Scalar | undefined, path: string, call: number): tf.Tensor {
  const layerKey = tf.scalar(fold(fold(0, path), call) | 0, 'int32');
  return tf.stack([stepKey ?? tf.scalar(0, 'int32'), layerKey]);
}
