import { type AnyModel, type AnyStrategy, type Engine, eagerEngine, type StepFunction, toFloat32 } from '@peft/core';
import { requireClose, toyModel } from '@peft/core/testing';
import { lora } from '@peft/lora';
import { onnxEngine } from '@peft/onnx-backend';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { adapterOf, outputOf, plainLora, toyIds, variants } from '../test/index.ts';
import { type AdapterSet, adapterSet } from './index.ts';

/** Rounding of two implementations of the same products. */
const tolerance = 2e-6;

/** An engine that counts how often functions are captured: compiled code does not call them again. */
function counting(engine: Engine) {
  const counts = { compiled: 0, calls: 0 };
  const counted: Engine = {
    ...engine,
    compile(functions, weights) {
      counts.compiled++;
      const wrapped = Object.entries<StepFunction>(functions).map(([name, run]): [string, StepFunction] => [
        name,
        (state, inputs) => {
          counts.calls++;
          return run(state, inputs);
        },
      ]);
      return engine.compile(Object.fromEntries(wrapped) as typeof functions, weights);
    },
  };
  return { counts, counted };
}

describe('on ONNX Runtime', () => {
  const engine = onnxEngine();
  let model: AnyModel;
  let set: AdapterSet;
  let counts: { calls: number };

  beforeAll(async () => {
    await tf.setBackend('cpu');
    expect((await engine.describe()).runtime).not.toBe('eager');
  });
  afterAll(() => engine.dispose());

  beforeEach(() => {
    const { counts: all, counted } = counting(engine);
    counts = all;
    model = toyModel();
    set = adapterSet(model, { engine: counted });
  });

  const seen = (options?: Parameters<AdapterSet['apply']>[1]) => outputOf((batch) => set.apply(batch, options));
  const predicted = async (options?: Parameters<AdapterSet['predict']>[1], count = 5) =>
    toFloat32(await set.predict(toyIds(count), options));
  const same = async (what: string) => requireClose(await predicted(), seen(), { what, tolerance });

  it.each([
    'lora, the defaults',
    'lora, DoRA',
    'adalora, with targets at rank 0',
    'a chain of DoRA',
    'a chain of LoRA',
  ])('computes %s as tfjs does', async (name) => {
    const { make, run } = variants[name] as (typeof variants)[string];
    await set.add(
      'a',
      await adapterOf(model, make(), { ...run, modulesToSave: ['head'], targets: ['embed', 'query'] }),
    );
    for (const choice of [[], 'a', { a: 0.5 }] as const) {
      await set.activate(choice);
      await same(JSON.stringify(choice));
    }
    await set.merge();
    await same('merged');
    set.disable();
    await same('disabled');
    await set.dispose();
  });

  it('captures once for each structure: weights, swaps and choices of one shape are bound', async () => {
    for (const [index, name] of ['a', 'b', 'c'].entries())
      await set.add(name, await adapterOf(model, plainLora(index + 1), { seed: index }));
    await set.activate('a');
    await same('first');
    const { calls } = counts;
    await set.activate({ a: 0.25 });
    await same('another weight');
    await set.activate({ b: 3 });
    await same('another adapter');
    const adaptive = lora({ rank: 2, alpha: 7, rsLora: true });
    await set.swap('b', await adapterOf(model, adaptive as never, { seed: 9 }));
    await same('swapped for another alpha');
    requireClose(await predicted({ adapters: 'c' }), seen({ adapters: 'c' }), { what: 'a choice', tolerance });
    expect(counts.calls).toBe(calls);
    await set.activate(['a', 'b']);
    await same('two');
    const two = counts.calls;
    expect(two).toBeGreaterThan(calls);
    await set.activate({ b: 0.1, c: 2 });
    await same('two others');
    expect(counts.calls).toBe(two);
    await set.activate('a');
    await same('back');
    expect(counts.calls).toBe(two);
    await set.dispose();
  });

  it('captures anew what is another program in the same shapes: a DoRA of another scaling, other rows of a table', async () => {
    const doraOf = (alpha: number) => lora({ rank: 2, alpha, dora: true }) as AnyStrategy;
    const rowsOf = (ids: readonly number[]) =>
      adapterOf(model, plainLora(), { targets: ['query'], trainableTokens: { embed: ids } });
    await set.add('dora', await adapterOf(model, doraOf(2)));
    await set.add('rows', await rowsOf([1, 4]));
    await set.activate({ dora: 1 });
    await same('DoRA');
    await set.swap('dora', await adapterOf(model, doraOf(7), { seed: 2 }));
    await same('another DoRA');
    await set.activate({ rows: 0.5 });
    await same('rows');
    await set.swap('rows', await rowsOf([2, 5]));
    await same('other rows');
    await set.dispose();
  });

  it('captures few lengths of groups, however rows are mixed', async () => {
    await set.add('a', await adapterOf(model, plainLora(1)));
    await set.add('b', await adapterOf(model, plainLora(2), { seed: 2 }));
    const mixed = async (pattern: string) => {
      const rows = [...pattern].map((letter) => (letter === '-' ? undefined : letter));
      requireClose(
        await predicted({ rows }, rows.length),
        outputOf((batch) => set.apply(batch, { rows }), toyIds(rows.length)),
        { what: pattern, tolerance },
      );
    };
    await mixed('aaabb--b');
    await mixed('abbbbbb-');
    const { calls } = counts;
    for (const pattern of ['ab-ab-ab', 'bbbb-aaa', 'aabbbbb-']) await mixed(pattern);
    // Lengths are 1, 2, 4 and 8, with an adapter and without.
    expect(counts.calls - calls).toBeLessThanOrEqual(2);
    await set.dispose();
  });

  it('a prediction under way finishes with the adapters that it began with', async () => {
    await set.add('a', await adapterOf(model, plainLora(1)));
    await set.activate('a');
    const [one, swapped] = [seen(), await adapterOf(model, plainLora(5), { seed: 8 })];
    const pending = [predicted(), set.swap('a', swapped), predicted(), set.activate([]), set.remove('a'), predicted()];
    const results = await Promise.all(pending);
    requireClose(results[0] as Float32Array, one, { what: 'before the swap', tolerance });
    expect([...(results[2] as Float32Array)]).not.toEqual([...(results[0] as Float32Array)]);
    requireClose(results[5] as Float32Array, seen(), { what: 'after the removal', tolerance });
    expect(set.names).toEqual([]);
    await set.dispose();
  });

  it('a prediction sees whether the set was enabled when it was asked for', async () => {
    await set.add('a', await adapterOf(model, plainLora(1)));
    await set.activate('a');
    const [on, base] = [seen(), seen({ adapters: [] })];
    const first = predicted();
    const off = set.whileDisabled(() => predicted());
    set.enable();
    const within = predicted();
    requireClose(await first, on, { what: 'before', tolerance });
    requireClose(await off, base, { what: 'disabled', tolerance });
    requireClose(await within, base, { what: 'while another is disabled', tolerance });
    requireClose(await predicted(), on, { what: 'after', tolerance });
    await set.dispose();
  });
});

it('frees the program of a merge with it', async () => {
  await tf.setBackend('cpu');
  const model = toyModel();
  const eager = eagerEngine();
  let programs = 0;
  const set = adapterSet(model, {
    engine: {
      ...eager,
      async compile(functions, weights) {
        const program = await eager.compile(functions, weights);
        programs++;
        return {
          ...program,
          dispose() {
            programs--;
            program.dispose();
          },
        };
      },
    },
  });
  await set.add('a', await adapterOf(model, plainLora()));
  await set.activate('a');
  for (let cycle = 0; cycle < 3; cycle++) {
    await set.merge();
    await set.predict(toyIds());
    await set.unmerge();
    await set.predict(toyIds());
    expect(programs).toBe(1);
  }
  await set.dispose();
  expect(programs).toBe(0);
});

it('keeps a few programs, and frees them with their clones', async () => {
  await tf.setBackend('cpu');
  const model = toyModel();
  const held = tf.memory().numTensors;
  const set = adapterSet(model, { engine: eagerEngine() });
  for (let rank = 1; rank <= 11; rank++) {
    await set.add(`rank ${rank}`, await adapterOf(model, lora({ rank }) as never, { steps: 1 }));
    await set.predict(toyIds(), { adapters: `rank ${rank}` });
  }
  // Each adapter has 8 factors and as many in its pairs; a program holds as many clones, and a weight.
  expect(tf.memory().numTensors - held - model.weights.uploads).toBe(11 * 16 + 8 * 9);
  await set.dispose();
  expect(tf.memory().numTensors - held).toBe(model.weights.uploads);
});
