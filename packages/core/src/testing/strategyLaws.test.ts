import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { AnyStrategy, Strategy } from '../strategy.ts';
import { mapTree } from '../tree.ts';
import { strategyLaws } from './strategyLaws.ts';
import { type ToyParams, toyStrategy } from './toyStrategy.ts';

type Toy = Strategy<ToyParams, Record<never, never>>;
type Change = (toy: Toy) => Partial<AnyStrategy>;

const changed = (change: Change) => () => {
  const toy = toyStrategy({ scale: 2 });
  return { ...toy, ...change(toy) } as AnyStrategy;
};

type Mistake = {
  readonly mistake: string;
  readonly law: string;
  readonly says: RegExp;
  readonly make: () => AnyStrategy;
};

/** Deliberate mistakes, the law that each must fall to, and what that law says. */
const mistakes: readonly Mistake[] = [
  {
    mistake: 'neither factor starts at zero',
    law: 'law 1:',
    says: /^output: value \d+ is/,
    make: changed(({ init }) => ({
      init: (context) => ({ state: {}, params: mapTree(init(context).params, (leaf) => tf.add(leaf, 0.1)) }),
    })),
  },
  {
    mistake: 'both factors start at zero',
    law: 'law 2:',
    says: /^no parameter moved in the first step$/,
    make: changed(({ init }) => ({
      init: (context) => ({ state: {}, params: mapTree(init(context).params, tf.zerosLike) }),
    })),
  },
  {
    mistake: 'merge without scaling',
    law: 'law 3:',
    says: /^step 1: relative difference/,
    make: changed(() => ({ merge: toyStrategy({ scale: 1 }).merge as AnyStrategy['merge'] })),
  },
  {
    mistake: 'noise in a forward pass that does not train',
    law: 'law 3:',
    says: /^step 1: relative difference/,
    make: changed(({ forward }) => ({
      forward: (adapter, target, call) => {
        const output = forward(adapter as never, target, call);
        return tf.add(output, tf.randomNormal(output.shape, 0, 0.01));
      },
    })),
  },
  {
    mistake: 'a knot that merges another adapter than the one it drops',
    law: 'laws 4 and 12:',
    says: /^step 3: relative difference/,
    make: changed((toy) => ({
      advance: (context, adapter, { step }) => (step === 3 ? knot(toy, { context, adapter, share: 0.5 }) : undefined),
    })),
  },
  {
    mistake: 'factors cut without the part that still acts',
    law: 'laws 4 and 12:',
    says: /^step 3: relative difference/,
    make: changed(() => ({
      advance: (_context, { params, state }, { step }) =>
        step === 3 ? Promise.resolve({ params: cutToRankOne(params as ToyParams), state, effects: [] }) : undefined,
    })),
  },
  {
    mistake: 'randomness from Math.random',
    law: 'law 5:',
    says: /^second run: adapter\//,
    make: changed(({ init }) => ({
      init: (context) => ({
        state: {},
        params: mapTree(init(context).params, (leaf) => tf.mul(leaf, 1 + Math.random())),
      }),
    })),
  },
  {
    mistake: 'a counter hidden in a closure',
    law: 'law 6:',
    says: /^resumed at step 1: adapter\//,
    make: changed(() => {
      let updates = 0;
      return {
        update: ({ after, state }) => {
          updates++;
          return { params: mapTree(after, (leaf) => tf.mul(leaf, 1 - updates / 1000)), state };
        },
      };
    }),
  },
  {
    mistake: 'a tensor leaked per step',
    law: 'law 7:',
    says: /^step 2: \d+ live tensors besides weights, \d+ before with the same structure$/,
    make: changed(() => ({
      update: ({ after, state }) => {
        tf.keep(tf.scalar(1));
        return { params: after, state };
      },
    })),
  },
  {
    mistake: 'a tensor leaked once, outside every step',
    law: 'law 7:',
    says: /^\d+ tensors are left after the run$/,
    make: changed(({ init }) => ({
      init: (context) => {
        tf.keep(tf.scalar(1));
        return init(context);
      },
    })),
  },
  {
    mistake: 'steps uphill',
    law: 'law 8:',
    says: /^mean loss [\d.]+ at the end, [\d.]+ at the beginning$/,
    make: changed(() => ({
      update: ({ before, after, state }) => ({
        params: mapTree(before, (leaf, path) => tf.sub(tf.mul(leaf, 2), leafAt(after, path))),
        state,
      }),
    })),
  },
  {
    mistake: 'writing to the base',
    law: 'law 9:',
    says: /^(the run beside: adapter\/|.+\.weight: value 0 is)/,
    make: changed(({ init }) => ({
      init: (context) => {
        for (const target of context.targets) {
          const values = context.weightOf(target).dataSync();
          values[0] = (values[0] as number) + 1;
        }
        return init(context);
      },
    })),
  },
  {
    mistake: 'update changes the structure',
    law: 'update keeps structure',
    says: /^a step changed the structure of its state/,
    make: changed(() => ({
      update: ({ after, state }) => ({ params: after, state: { ...state, extra: tf.scalar(0) } }),
    })),
  },
  {
    mistake: 'update changes a plain number',
    law: 'update keeps structure',
    says: /^a step changed the structure of its state/,
    make: changed(({ init }) => ({
      init: (context) => ({ ...init(context), state: { count: 0 } }),
      update: ({ after, state }) => ({ params: after, state: { count: (state.count as number) + 1 } }),
    })),
  },
  {
    mistake: 'advance copies the parameters for nothing, so that every step is compiled anew',
    law: 'update keeps structure',
    says: /^compiled \d+ times; 0 changes of structure and 0 steps with effects allow 1$/,
    make: changed(() => ({
      advance: async (_context, { params, state }) => ({ params: mapTree(params, tf.clone), state, effects: [] }),
    })),
  },
];

describe('every law can fail', () => {
  it.each(mistakes)('$mistake falls to $law', async ({ law: lawName, says, make }) => {
    await tf.setBackend('cpu');
    const law = strategyLaws(make).find(({ name }) => name.startsWith(lawName));
    await expect(law?.check()).rejects.toThrow(says);
  });

  it('the strategy they were made from keeps all', async () => {
    for (const law of strategyLaws(changed(() => ({})))) await law.check();
  });

  it('no law is without a mistake', () => {
    const covered = strategyLaws(changed(() => ({}))).filter(({ name }) =>
      mistakes.some(({ law }) => name.startsWith(law)),
    );
    expect(covered.map(({ name }) => name)).toEqual(strategyLaws(changed(() => ({}))).map(({ name }) => name));
  });
});

async function knot(
  toy: Toy,
  { context, adapter, share }: { context: Parameters<Toy['init']>[0]; adapter: unknown; share: number },
) {
  const { params, state } = adapter as { params: ToyParams; state: Record<never, never> };
  const kept = mapTree(params, (leaf) => tf.mul(leaf, share));
  const merge = {
    kind: 'merge',
    targets: context.targets,
    adapter: { params: kept, state },
    strategy: toy as AnyStrategy,
    source: '',
  } as const;
  return { ...toy.init(context), effects: [merge] };
}

function cutToRankOne(params: ToyParams): ToyParams {
  return Object.fromEntries(
    Object.entries(params).map(([path, { a, b }]) => [
      path,
      { a: tf.slice(a, [0, 0], [a.shape[0] as number, 1]), b: tf.slice(b, [0, 0], [1, b.shape[1] as number]) },
    ]),
  );
}

function leafAt(tree: unknown, path: string): tf.Tensor {
  return path.split('/').reduce((node, key) => (node as Record<string, unknown>)[key], tree) as tf.Tensor;
}
