import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  disposeUnless,
  entry,
  isTensor,
  leavesOf,
  mapLeaves,
  mapTree,
  type Snapshot,
  tensorsOf,
  treeOf,
} from './tree.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const key = fc.constantFrom('a', 'b', 'layer.0.query', '__proto__', 'constructor', 'zz');
const paths = fc.uniqueArray(
  fc.tuple(key, key, key).map((keys) => keys.join('/')),
  { maxLength: 12 },
);

describe('trees', () => {
  it('give their leaves by path order, however they were built', () => {
    const [x, y] = [tf.scalar(1), tf.scalar(2)];
    const tree = { b: { z: x, a: 3 }, a: y };
    expect(leavesOf(tree).map(([path, leaf]) => [path, isTensor(leaf) ? 'tensor' : leaf])).toEqual([
      ['a', 'tensor'],
      ['b/a', 3],
      ['b/z', 'tensor'],
    ]);
    expect(tensorsOf(tree)).toEqual([y, x]);
    tf.dispose([x, y]);
  });

  it('come back from their leaves, also under keys that objects are born with', () => {
    fc.assert(
      fc.property(paths, (drawn) => {
        const leaves = drawn.map((path, index) => [path, index] as const);
        const tree = treeOf(leaves);
        expect(leavesOf(tree)).toEqual([...leaves].sort(([left], [right]) => (left < right ? -1 : 1)));
        expect(({} as Record<string, unknown>).a).toBeUndefined();
      }),
    );
  });

  it('refuse a leaf under a leaf', () => {
    const message = (path: string) => `internal: leaf "${path}" is given twice or lies under another leaf.`;
    expect(() =>
      treeOf([
        ['a', 1],
        ['a/b', 2],
      ]),
    ).toThrow(message('a/b'));
    expect(() =>
      treeOf([
        ['a/b', 1],
        ['a', 2],
      ]),
    ).toThrow(message('a'));
    expect(() =>
      treeOf([
        ['a', 1],
        ['a', 2],
      ]),
    ).toThrow(message('a'));
  });

  it('map with the path of each leaf, keeping structure and empty branches', () => {
    const snapshot: Snapshot = { a: { b: 1, c: {} }, d: 2 };
    expect(mapLeaves(snapshot, (leaf, path) => (path === 'd' ? (leaf as number) * 10 : leaf))).toEqual({
      a: { b: 1, c: {} },
      d: 20,
    });
    const tree = { x: tf.scalar(2) };
    const doubled = mapTree(tree, (leaf) => tf.mul(leaf, 2));
    expect(doubled.x.dataSync()[0]).toBe(4);
    tf.dispose([tree.x, doubled.x]);
  });

  it('are freed but for what the next one holds', () => {
    const [kept, dropped, gone] = [tf.scalar(1), tf.scalar(2), tf.scalar(3)];
    gone.dispose();
    disposeUnless({ kept, dropped, gone, count: 3 }, { elsewhere: { kept } });
    expect([kept.isDisposed, dropped.isDisposed]).toEqual([false, true]);
    kept.dispose();
  });

  it('say what they hold when an entry is missing', () => {
    expect(entry({ a: 1 }, 'a', 'number')).toBe(1);
    expect(() => entry({ a: 1, b: 2 }, 'toString', 'number')).toThrow(
      'internal: no number "toString"; there are a, b.',
    );
  });
});
