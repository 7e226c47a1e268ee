import * as tf from '@tensorflow/tfjs';
import { clipByGlobalNorm, globalNorm } from '../optimizers/clipByGlobalNorm.ts';
import type { Slots } from '../optimizers/optimizer.ts';
import { leavesOf, type Tree, treeOf } from '../tree.ts';
import type { Gradients } from './gradientsOf.ts';
import type { Lane } from './lanes.ts';
import { paramsOf, type StepPlan, type StepState, type TrainTree, type UpdateInputs } from './stepPlan.ts';

type Call = { readonly grads: Gradients; readonly inputs: UpdateInputs };

/** One optimizer step from the gradients of every leaf: clipping, optimizer, strategy update. */
export function applyGradients(plan: StepPlan, state: StepState, { grads, inputs }: Call) {
  const norm = globalNorm([...grads.values()]);
  const clipped = clip(grads, norm, plan.maxGradientNorm);
  const next = optimize(plan, state, { grads: clipped, inputs });
  const updated = plan.strategy.update?.({
    before: state.adapter,
    after: next.adapter,
    grads: subtree(clipped, 'adapter'),
    state: state.strategy,
    inputs: inputs.strategy,
  }) ?? { params: next.adapter, state: state.strategy };
  const result: StepState = { ...state, ...next, adapter: updated.params, strategy: updated.state };
  const sums = leavesOf(paramsOf(result)).map(([, leaf]) => tf.sum(leaf) as tf.Scalar);
  return {
    state: result,
    metrics: { gradientNorm: norm, parameterSum: sums.length ? (tf.addN(sums) as tf.Scalar) : tf.scalar(0) },
  };
}

function clip(grads: Gradients, norm: tf.Scalar, maxNorm: number | undefined): Gradients {
  if (maxNorm === undefined) return grads;
  const clipped = clipByGlobalNorm([...grads.values()], norm, maxNorm);
  return new Map([...grads.keys()].map((path, i) => [path, clipped[i] as tf.Tensor] as const));
}

function optimize(plan: StepPlan, state: StepState, { grads, inputs }: Call) {
  const params: [string, tf.Tensor][] = [];
  const slots: [string, tf.Tensor][] = [];
  const slotsByLeaf = groupSlots(state.slots);
  for (const [path, param] of leavesOf(paramsOf(state))) {
    const lane = plan.lanes.get(path) as Lane;
    const { learningRate, ...rest } = inputs.lanes[lane.id] as { learningRate: tf.Scalar };
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
  const { adapter = {}, trained = {}, tokenRows = {} } = treeOf(params) as Partial<TrainTree>;
  return { adapter, trained, tokenRows, slots: treeOf(slots) as Tree };
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

function subtree(leaves: Gradients, key: string): Tree {
  const inside = [...leaves].filter(([path]) => path.startsWith(`${key}/`));
  return treeOf(inside.map(([path, leaf]) => [path.slice(key.length + 1), leaf] as const)) as Tree;
}
