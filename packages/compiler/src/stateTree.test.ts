import * as tf from '@tensorflow/tfjs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type StateLeaf, StateTree, stateType } from './stateTree.ts';

let tensorsBefore = 0;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});

type Tree = StateTree<StateLeaf>;

/** Takes a state over as an engine does that copies every tensor it does not know. */
function take(tree: Tree, state: Parameters<Tree['arrivals']>[0]) {
  const arrivals = tree.arrivals(state);
  tree.exchange(new Map(arrivals.map(({ path, tensor }) => [path, { ...stateType(tensor), tensor }])), state);
  return arrivals.map(({ path, own }) => [path, own !== undefined]);
}

describe('the tensors of a state', () => {
  const state = () => ({ params: { b: tf.zeros([2]), a: tf.scalar(1, 'int32') }, count: 3, flags: tf.tensor([true]) });

  it('are leaves by path, in the order they come in, with their types', () => {
    const tree: Tree = new StateTree();
    const given = state();
    expect(take(tree, given)).toEqual([
      ['params/b', false],
      ['params/a', false],
      ['flags', false],
    ]);
    expect([...tree.leaves].map(([path, { shape, dtype }]) => [path, shape, dtype])).toEqual([
      ['params/b', [2], 'float32'],
      ['params/a', [], 'int32'],
      ['flags', [1], 'bool'],
    ]);
    expect(tree.tree).toBe(given);
    expect(tree.snapshot(() => tf.scalar(0))).toEqual(given);
    tree.exchange(new Map(), {});
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it('are made late, once, and freed when they are replaced', () => {
    const tree: Tree = new StateTree();
    const { params, flags } = state();
    take(tree, { params, flags });
    tree.replaced(['params/b']);
    expect([params.b.isDisposed, params.a.isDisposed]).toEqual([true, false]);
    const made: string[] = [];
    const look = () =>
      tree.snapshot((leaf, path) => {
        made.push(path);
        return tf.fill([...leaf.shape], 7);
      }) as { params: { b: tf.Tensor; a: tf.Tensor } };
    const [first, second] = [look(), look()];
    expect(made).toEqual(['params/b']);
    expect(second.params.b).toBe(first.params.b);
    expect(first.params.a).toBe(params.a);
    tree.replaced(['params/b', 'params/a']);
    expect([first.params.b.isDisposed, params.a.isDisposed, flags.isDisposed]).toEqual([true, true, false]);
    tree.exchange(new Map(), {});
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it('are made when somebody looks at them', () => {
    const tree: Tree = new StateTree();
    const given = state();
    take(tree, given);
    const made: string[] = [];
    const look = () =>
      tree.view((leaf, path) => {
        made.push(path);
        return tf.fill([...leaf.shape], 7);
      }) as typeof given;
    expect(look()).toEqual(given);
    tree.replaced(['params/b', 'flags']);
    const view = look();
    expect(look()).toBe(view);
    expect(made).toEqual([]);
    expect([view.count, view.params.a === given.params.a, [...view.params.b.dataSync()]]).toEqual([3, true, [7, 7]]);
    expect([view.params.b === look().params.b, made]).toEqual([true, ['params/b']]);
    expect(Object.keys(view.params)).toEqual(['b', 'a']);
    expect(tree.arrivals(view).map(({ path, own }) => own === tree.leaf(path))).toEqual([true, true, true]);
    const { params } = view;
    tree.forget();
    expect([params.a === given.params.a, [...params.b.dataSync()]]).toEqual([true, [7, 7]]);
    take(tree, view);
    take(tree, { flags: view.flags });
    tf.dispose(params);
    expect([look() === view, Object.keys(look())]).toEqual([false, ['flags']]);
    tree.exchange(new Map(), {});
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it('that come back are known, and those that do not are freed', () => {
    const tree: Tree = new StateTree();
    const { params, flags } = state();
    take(tree, { params, flags });
    const fresh = tf.scalar(2);
    expect(take(tree, { moved: params.b, twice: params.b, fresh })).toEqual([
      ['moved', true],
      ['twice', true],
      ['fresh', false],
    ]);
    expect([params.b.isDisposed, params.a.isDisposed, flags.isDisposed]).toEqual([false, true, true]);
    tree.replaced(['moved']);
    // The other place still holds it.
    expect(params.b.isDisposed).toBe(false);
    tree.forget();
    expect([tree.leaves.size, tree.tree]).toEqual([0, {}]);
    expect([params.b.isDisposed, fresh.isDisposed]).toEqual([false, false]);
    tf.dispose([params.b, fresh]);
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });
});
