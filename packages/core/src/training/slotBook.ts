import * as tf from '@tensorflow/tfjs';
import type { Effect } from '../effect.ts';
import type { Optimizer, Slots } from '../optimizers/optimizer.ts';
import type { Target } from '../target.ts';
import { leavesOf, type Tree, treeOf } from '../tree.ts';
import { groupSlots } from './applyGradients.ts';
import { targetOfLeaf } from './lanes.ts';

/** Every leaf's optimizer slots, and the step of the run at which they began. */
export type SlotBook = { readonly slots: ReadonlyMap<string, Slots>; readonly starts: ReadonlyMap<string, number> };

/** The book of a step's slot tree. */
export function openSlots(slots: Tree, starts: ReadonlyMap<string, number>): SlotBook {
  return { slots: groupSlots(slots), starts };
}

/** The slots as a tree, each under its leaf's path. */
export function slotTree({ slots }: SlotBook): Tree {
  const leaves = [...slots].flatMap(([leaf, named]) =>
    Object.entries(named).map(([name, slot]) => [`${leaf}/${name}`, slot] as const),
  );
  return treeOf(leaves) as Tree;
}

/** Forgets the leaves of these targets (a leaf of no target restarts with any), or all. */
export function restartSlots(
  book: SlotBook,
  targets: readonly Target[] | 'all',
  every: ReadonlyMap<string, Target>,
): SlotBook {
  const named = targets === 'all' ? undefined : new Set(targets.map(({ path }) => path));
  const isKept = (leaf: string) => {
    if (!named) return false;
    if (/^(?:trained|tokenRows)\//.test(leaf)) return true;
    const target = targetOfLeaf(leaf, every);
    return target !== undefined && !named.has(target.path);
  };
  return {
    slots: new Map([...book.slots].filter(([leaf]) => isKept(leaf))),
    starts: new Map([...book.starts].filter(([leaf]) => isKept(leaf))),
  };
}

/** Gathers the selected rows of every slot that has the leaf's axis. New tensors belong to the caller's scope. */
export function selectSlots(book: SlotBook, { leaves }: Extract<Effect, { kind: 'select' }>): SlotBook {
  const slots = new Map(book.slots);
  for (const { path, axis, indices } of leaves) {
    const leaf = `adapter/${path}`;
    const named = slots.get(leaf);
    if (!named) continue;
    const chosen = tf.tensor1d([...indices], 'int32');
    const entries = Object.entries(named).map(([name, slot]) => [name, tf.gather(slot, chosen, axis)] as const);
    slots.set(leaf, Object.fromEntries(entries));
  }
  return { slots, starts: book.starts };
}

/** Fresh slots for leaves that have none of their shape; slots of vanished leaves are dropped. */
export function completeSlots(
  book: SlotBook,
  params: Tree,
  { optimizer, step }: { readonly optimizer: Optimizer; readonly step: number },
): SlotBook {
  const slots = new Map<string, Slots>();
  const starts = new Map<string, number>();
  for (const [leaf, param] of leavesOf(params)) {
    const fresh = optimizer.init(param);
    const kept = book.slots.get(leaf) ?? {};
    const fits = book.starts.has(leaf) && Object.entries(fresh).every(([name, slot]) => sameShape(kept[name], slot));
    slots.set(leaf, fits ? kept : fresh);
    starts.set(leaf, fits ? (book.starts.get(leaf) as number) : step);
  }
  return { slots, starts };
}

function sameShape(left: tf.Tensor | undefined, right: tf.Tensor): boolean {
  return left !== undefined && left.shape.join() === right.shape.join();
}
