import type { Seed } from '@peft/ops';
import type { Scalar, Tensor } from '@tensorflow/tfjs';
import type { Effect } from './effect.ts';
import type { FileFormat } from './fileFormat.ts';
import type { Target } from './target.ts';
import type { Snapshot, Tree } from './tree.ts';

/** The data of one adaptation. */
export type Adapter<P extends Tree = Tree, S extends Snapshot = Snapshot> = { readonly params: P; readonly state: S };

/** Optimizer steps completed in a life, of how many; the first update sees step 1. */
export type Clock = { readonly step: number; readonly totalSteps: number };

/** What a strategy may know of its surroundings. `weightOf` gives the run's weight; it stays the run's to free. */
export type Context = {
  readonly targets: readonly Target[];
  readonly seed: Seed;
  readonly totalSteps: number;
  weightOf(target: Target): Tensor;
  /** While a strategy advances: a `weightOf` as the run's weights will be after the merges among these effects. */
  weightAfter?(effects: readonly Effect[]): Promise<(target: Target) => Tensor>;
};

/** One call of an adapted layer. `output` is the frozen layer's, before its bias. */
export type LinearCall = {
  readonly input: Tensor;
  readonly weight: Tensor;
  readonly output: Tensor;
  readonly training: boolean;
  /** int32 [2], different for every step, micro-batch, target and call. */
  readonly dropoutKey: Tensor;
};

/** An adapter after a host decision, with what the host must do about it. */
export type Step<P extends Tree = Tree, S extends Snapshot = Snapshot> = Adapter<P, S> & {
  readonly effects: readonly Effect[];
};

/** The data of one `update`: parameters before and after the optimizer, its clipped gradients, the step's inputs. */
export type UpdateCall<P extends Tree = Tree, S extends Snapshot = Snapshot> = {
  readonly before: P;
  readonly after: P;
  readonly grads: P;
  readonly state: S;
  readonly inputs: Readonly<Record<string, Scalar>>;
};

/**
 * How to adapt: a record of pure functions over plain data. A leaf of `params` belongs to the target whose path is
 * one of the keys on its way. Strategies never dispose; a tensor made outside a returned tree lives in a `tf.tidy`.
 */
export interface Strategy<P extends Tree = Tree, S extends Snapshot = Snapshot> {
  readonly name: string;
  /** How its adapters are stored; without it, an adapter with `factors` is written as plain LoRA. */
  readonly fileFormat?: FileFormat;
  /** What it was made with. A save records the plain values among these, and resuming with others is refused. */
  readonly options?: object;
  /** A fresh adapter, which changes nothing. */
  init(context: Context): Adapter<P, S>;
  /** The adapted layer's output before its bias. */
  forward(adapter: Adapter<P, S>, target: Target, call: LinearCall): Tensor;
  /** Old weight to new weight. */
  merge(adapter: Adapter<P, S>, target: Target, weight: Tensor): Tensor;
  /** delta = a.b exactly; absent where the method is not additive, undefined where the target has rank 0. */
  factors?(adapter: Adapter<P, S>, target: Target): { readonly a: Tensor; readonly b: Tensor } | undefined;
  /** Added to the training loss once per optimizer step. */
  penalty?(adapter: Adapter<P, S>): Scalar;
  /** Host numbers of this step, in float64; each enters the step as a 0-d tensor. */
  inputs?(state: S, clock: Clock): Readonly<Record<string, number>>;
  /** After the optimizer. Traced: no branch on a value, same structure and shapes out as in, numbers pass through. */
  update?(call: UpdateCall<P, S>): { readonly params: P; readonly state: S };
  /** Between steps, on the host: may read tensors, change shapes, return effects; undefined when nothing is due. */
  advance?(context: Context, adapter: Adapter<P, S>, clock: Clock): Promise<Step<P, S>> | undefined;
  /** The life that a target's leaves (undefined: leaves of no target) are in, which their schedule follows; absent: the run's. */
  lifeOf?(state: S, clock: Clock, target: Target | undefined): Clock;
  /** False while a promise is not yet met (a rank budget, say): the state is then no candidate for best or early stop. */
  isSettled?(state: S, clock: Clock): boolean;
  /** The part that an effect's `source` names, for replaying merges. */
  part?(key: string): AnyStrategy | undefined;
}

/** A strategy whose data types are not known here. Methods are bivariant, so every strategy is one. */
export type AnyStrategy = Strategy<Tree, Snapshot>;
export type AnyAdapter = Adapter<Tree, Snapshot>;
