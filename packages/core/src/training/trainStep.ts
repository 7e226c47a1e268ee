import { PeftError } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { adaptedAt } from '../adaptedAt.ts';
import type { AnyModel, TensorBatch } from '../model.ts';
import { clipByGlobalNorm, globalNorm } from '../optimizers/clipByGlobalNorm.ts';
import type { Optimizer, Slots } from '../optimizers/optimizer.ts';
import type { AnyStrategy } from '../strategy.ts';
import type { Target } from '../target.ts';
import { leavesOf, type Snapshot, type Tree, treeOf } from '../tree.ts';
import type { Weights } from '../weights.ts';
import type { Lane } from './lanes.ts';
import type { Loss } from './loss.ts';

/** Everything a run trains. Leaf paths begin with `adapter/` or `trained/`. */
export type TrainTree = { readonly adapter: Tree; readonly trained: Readonly<Record<string, tf.Tensor>> };

export type StepState = TrainTree & { readonly strategy: Snapshot; readonly slots: Tree };

export type StepInputs = {
  readonly micro: Readonly<Record<string, { readonly batch: TensorBatch; readonly key: tf.Scalar }>>;
  /** 1 / counted items of the whole step. */
  readonly scale: tf.Scalar;
  readonly lanes: Readonly<Record<string, Readonly<Record<string, tf.Scalar>>>>;
  readonly strategy: Readonly<Record<string, tf.Scalar>>;
};

/** What is fixed while a step keeps its structure. */
export type StepPlan = {
  readonly model: AnyModel;
  readonly weights: Weights;
  readonly strategy: AnyStrategy;
  readonly targets: readonly Target[];
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly lanes: ReadonlyMap<string, Lane>;
  readonly maxGradientNorm: number | undefined;
};

type Grads = ReadonlyMap<string, tf.Tensor>;

/** One optimizer step as a pure function: gradients of all micro-batches, clipping, optimizer, strategy update. */
export function trainStep(plan: StepPlan, state: StepState, inputs: StepInputs) {
  const { loss, penalty, grads, unused } = gradientsOf(plan, state, inputs);
  if (unused.length > 0) throw unreached(unused);
  const norm = globalNorm([...grads.values()]);
  const clipped = clip(grads, norm, plan.maxGradientNorm);
  const next = optimize(plan, state, { grads: clipped, lanes: inputs.lanes });
  const updated = plan.strategy.update?.({
    before: state.adapter,
    after: next.adapter,
    grads: subtree(clipped, 'adapter'),
    state: state.strategy,
    inputs: inputs.strategy,
  }) ?? { params: next.adapter, state: state.strategy };
  const result: StepState = { ...next, adapter: updated.params, strategy: updated.state };
  const sums = leavesOf(paramsOf(result)).map(([, leaf]) => tf.sum(leaf) as tf.Scalar);
  return {
    state: result,
    metrics: {
      loss,
      penalty: penalty ?? tf.scalar(0),
      gradientNorm: norm,
      parameterSum: sums.length ? (tf.addN(sums) as tf.Scalar) : tf.scalar(0),
    },
  };
}

/** Mean task loss, penalty, and the gradient of their sum for every leaf, over all micro-batches. */
export function gradientsOf(plan: StepPlan, state: StepState, inputs: StepInputs) {
  const kept: Kept = { losses: [] };
  try {
    return sumGradients(plan, { state, inputs, kept });
  } finally {
    tf.dispose([kept.losses, kept.penalty ?? []]);
  }
}

// tfjs frees all but the value that is differentiated; the loss without the penalty is kept beside it.
type Kept = { readonly losses: tf.Scalar[]; penalty?: tf.Scalar };

function sumGradients(plan: StepPlan, call: { readonly state: StepState; readonly inputs: StepInputs; kept: Kept }) {
  const { state, inputs, kept } = call;
  const leaves = leavesOf(paramsOf(state));
  const tensors = leaves.map(([, leaf]) => leaf);
  let total: (tf.Tensor | undefined)[] = [];
  for (const [index, { batch, key }] of Object.values(inputs.micro).entries()) {
    const { grads } = differentiate(() => {
      const at = adaptedAt({
        weights: plan.weights,
        modules: plan.model.targets,
        strategy: plan.strategy,
        adapter: { params: state.adapter, state: state.strategy },
        targets: plan.targets,
        trained: state.trained,
        stepKey: key,
      });
      const task = tf.mul(plan.loss.sum(plan.model.apply(batch, at), batch), inputs.scale) as tf.Scalar;
      kept.losses.push(tf.keep(tf.clone(task)));
      if (index > 0 || !plan.strategy.penalty) return task;
      const term = plan.strategy.penalty({ params: state.adapter, state: state.strategy });
      kept.penalty = tf.keep(tf.clone(term));
      return tf.add(task, term) as tf.Scalar;
    }, tensors);
    total = grads.map((grad, i) => (total[i] && grad ? tf.add(total[i] as tf.Tensor, grad) : (grad ?? total[i])));
  }
  const grads = new Map(leaves.map(([path, leaf], i) => [path, total[i] ?? tf.zerosLike(leaf)] as const));
  const unused = leaves.filter((_, i) => total[i] === undefined).map(([path]) => path);
  const loss = tf.addN(kept.losses) as tf.Scalar;
  return { loss, penalty: kept.penalty && tf.clone(kept.penalty), grads, unused };
}

/** The adapter's and the fully trained parameters of a state. */
export function paramsOf(state: TrainTree): TrainTree {
  return { adapter: state.adapter, trained: state.trained };
}

// tf.valueAndGrads refuses a leaf that the loss does not reach; such leaves are reported by path instead.
function differentiate(loss: () => tf.Scalar, tensors: readonly tf.Tensor[]) {
  if (tensors.length === 0) {
    loss();
    return { grads: [] as (tf.Tensor | undefined)[] };
  }
  const { grads } = tf.engine().gradients(loss, [...tensors], undefined, true);
  return { grads: grads as (tf.Tensor | undefined)[] };
}

function unreached(leaves: readonly string[]): PeftError {
  return new PeftError(
    'target/unreached',
    `the loss does not depend on ${leaves.length} trained tensors, which would never learn: ${leaves.join(', ')}. Exclude their modules from targets and modulesToSave, or use them in the model.`,
  );
}

function clip(grads: Grads, norm: tf.Scalar, maxNorm: number | undefined) {
  if (maxNorm === undefined) return grads;
  const clipped = clipByGlobalNorm([...grads.values()], norm, maxNorm);
  return new Map([...grads.keys()].map((path, i) => [path, clipped[i] as tf.Tensor] as const));
}

function optimize(
  plan: StepPlan,
  state: StepState,
  { grads, lanes }: { readonly grads: Grads; readonly lanes: StepInputs['lanes'] },
) {
  const params: [string, tf.Tensor][] = [];
  const slots: [string, tf.Tensor][] = [];
  const slotsByLeaf = groupSlots(state.slots);
  for (const [path, param] of leavesOf(paramsOf(state))) {
    const lane = plan.lanes.get(path) as Lane;
    const { learningRate, ...rest } = lanes[lane.id] as { learningRate: tf.Scalar };
    const next = plan.optimizer.update({
      param,
      grad: grads.get(path) as tf.Tensor,
      slots: slotsByLeaf.get(path) ?? {},
      learningRate,
      inputs: rest,
      weightDecay: lane.group?.weightDecay ?? plan.optimizer.weightDecay,
    });
    params.push([path, next.param]);
    for (const [name, slot] of Object.entries(next.slots)) slots.push([`${path}/${name}`, slot]);
  }
  const tree = treeOf(params) as { adapter?: Tree; trained?: TrainTree['trained'] };
  return { adapter: tree.adapter ?? {}, trained: tree.trained ?? {}, slots: treeOf(slots) as Tree };
}

/** Slots by leaf path: the inverse of nesting them under it. */
export function groupSlots(slots: Tree): ReadonlyMap<string, Slots> {
  const byLeaf = new Map<string, Record<string, tf.Tensor>>();
  for (const [path, slot] of leavesOf(slots)) {
    const cut = path.lastIndexOf('/');
    const leaf = path.slice(0, cut);
    const group = byLeaf.get(leaf) ?? {};
    group[path.slice(cut + 1)] = slot;
    byLeaf.set(leaf, group);
  }
  return byLeaf;
}

function subtree(leaves: Grads, key: string): Tree {
  const inside = [...leaves].filter(([path]) => path.startsWith(`${key}/`));
  return treeOf(inside.map(([path, leaf]) => [path.slice(key.length + 1), leaf] as const)) as Tree;
}
