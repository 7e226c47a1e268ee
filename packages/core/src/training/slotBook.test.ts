import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { adamw } from '../optimizers/adamw.ts';
import { sgd } from '../optimizers/sgd.ts';
import type { Target } from '../target.ts';
import type { Tree } from '../tree.ts';
import { completeSlots, openSlots, restartSlots, selectSlots, slotTree } from './slotBook.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const target = (path: string): Target => ({ path, kind: 'dense', shape: [2, 2] });
const every = new Map(['q', 'v'].map((path) => [path, target(path)]));
const optimizer = adamw();
const params = (): Tree => ({
  adapter: { q: { a: tf.ones([2, 3]) }, v: { a: tf.ones([2, 3]) }, shared: { a: tf.ones([3]) } },
  trained: { 'head.weight': tf.ones([2]) },
});
const book = () => completeSlots({ slots: new Map(), starts: new Map() }, params(), { optimizer, step: 0 });

describe('the slot book', () => {
  it('gives every leaf zero moments from the step it is on, and is a tree and back', () => {
    tf.tidy(() => {
      const whole = book();
      expect([...whole.starts.entries()]).toEqual([
        ['adapter/q/a', 0],
        ['adapter/shared/a', 0],
        ['adapter/v/a', 0],
        ['trained/head.weight', 0],
      ]);
      const opened = openSlots(slotTree(whole), whole.starts);
      expect(opened).toEqual(whole);
      expect(opened.slots.get('adapter/q/a')?.m?.shape).toEqual([2, 3]);
    });
  });

  it('restarts the named targets with leaves of no target, or everything', () => {
    tf.tidy(() => {
      expect([...restartSlots(book(), [target('q')], every).starts.keys()]).toEqual([
        'adapter/v/a',
        'trained/head.weight',
      ]);
      expect(restartSlots(book(), 'all', every)).toEqual({ slots: new Map(), starts: new Map() });
    });
  });

  it('keeps what fits and renews what does not, with its start', () => {
    tf.tidy(() => {
      const kept = restartSlots(book(), [target('q')], every);
      const grown = params() as { adapter: Record<string, Tree>; trained: Tree };
      const next: Tree = { ...grown, adapter: { ...grown.adapter, v: { a: tf.ones([2, 4]) } } };
      const complete = completeSlots(kept, next, { optimizer, step: 5 });
      expect([...complete.starts.values()]).toEqual([5, 5, 5, 0]);
      expect(complete.slots.get('trained/head.weight')).toBe(kept.slots.get('trained/head.weight'));
      expect(complete.slots.get('adapter/v/a')?.v?.shape).toEqual([2, 4]);
      const without: Tree = { trained: grown.trained };
      expect([...completeSlots(kept, without, { optimizer, step: 5 }).slots.keys()]).toEqual(['trained/head.weight']);
    });
  });

  it('counts steps of leaves whose optimizer keeps no slots', () => {
    tf.tidy(() => {
      const plain = { optimizer: sgd(), step: 0 };
      const first = completeSlots({ slots: new Map(), starts: new Map() }, params(), plain);
      const second = completeSlots(restartSlots(first, [target('v')], every), params(), { ...plain, step: 4 });
      expect([...second.starts.values()]).toEqual([0, 4, 4, 0]);
    });
  });

  it('gathers the selected rows of every slot of a leaf', () => {
    tf.tidy(() => {
      const whole = book();
      const slots = new Map(whole.slots);
      slots.set('adapter/q/a', {
        m: tf.tensor2d([
          [1, 2, 3],
          [4, 5, 6],
        ]),
        v: tf.tensor2d([
          [7, 8, 9],
          [1, 1, 1],
        ]),
      });
      const leaves = [
        { path: 'q/a', axis: 1, indices: [2, 0] },
        { path: 'absent', axis: 0, indices: [0] },
      ];
      const selected = selectSlots({ ...whole, slots }, { kind: 'select', leaves });
      const { m, v } = selected.slots.get('adapter/q/a') as { m: tf.Tensor; v: tf.Tensor };
      expect([m.arraySync(), v.arraySync()]).toEqual([
        [
          [3, 1],
          [6, 4],
        ],
        [
          [9, 7],
          [1, 1],
        ],
      ]);
      expect(selected.slots.get('adapter/v/a')).toBe(whole.slots.get('adapter/v/a'));
      expect(selected.starts).toBe(whole.starts);
    });
  });
});
