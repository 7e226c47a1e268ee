import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import { type AnyModel, type AnyStrategy, eagerEngine, isPeftError, type TrainedAdapter } from '@peft/core';
import { requireClose, toyModel } from '@peft/core/testing';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { adapterOf, copyOf, outputOf, plainLora, plainOutput, summedWeights, toyIds } from '../test/index.ts';
import { type AdapterSet, adapterSet } from './index.ts';

/** Rounding of float32 through four layers; weights may change by several times their size. */
const tolerance = 5e-6;
const names = ['a', 'b', '__proto__', 'a/b'];
let model: AnyModel;
let pool: readonly TrainedAdapter[];

beforeAll(async () => {
  await tf.setBackend('cpu');
  model = toyModel();
  const strategies: readonly AnyStrategy[] = [
    plainLora(),
    lora({ rank: 2, dora: true }) as AnyStrategy,
    adalora({ initRank: 3, targetBudget: 3, warmupSteps: 1, finalSteps: 2 }) as AnyStrategy,
    cola(lora({ rank: 1, dora: true }), { links: 2 }) as AnyStrategy,
  ];
  pool = [
    ...(await Promise.all(strategies.map((strategy, seed) => adapterOf(model, strategy, { seed })))),
    await adapterOf(model, plainLora(), { targets: ['query'], modulesToSave: ['head'], bias: 'adapted' }),
    await adapterOf(model, plainLora(), { targets: ['query'], trainableTokens: { embed: [1, 4] } }),
  ];
});

type Weights = ReadonlyMap<string, number>;

/** What the set is meant to be: names of pool members, what is active, and two switches. */
class Plain {
  readonly held = new Map<string, number>();
  active: Weights = new Map();
  isMerged = false;
  isEnabled = true;

  async output(weights: Weights = this.isEnabled ? this.active : new Map()): Promise<Float32Array> {
    const terms = [...weights].map(([name, weight]) => ({
      adapter: pool[this.held.get(name) as number] as TrainedAdapter,
      weight,
    }));
    const summed = await summedWeights(model, terms);
    const output = plainOutput(model, summed);
    summed.dispose();
    return output;
  }
}

// The first two are there from the beginning, so that most operations do something.
const name = fc.constantFrom(...names, 'a', 'b');
const member = fc.nat(5);
const weights = fc
  .uniqueArray(fc.tuple(name, fc.constantFrom(1, 1, 0.5, -1, 0)), { maxLength: 3, selector: ([each]) => each })
  .map((entries): Weights => new Map(entries));
const isBlind = fc.integer({ min: 0, max: 4 }).map((drawn) => drawn === 0);
const operation = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), name, member }),
  fc.record({ kind: fc.constant('remove' as const), name }),
  fc.record({ kind: fc.constant('swap' as const), name, member }),
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('activate' as const), weights, isBlind }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('merge' as const) }) },
  fc.record({ kind: fc.constantFrom('unmerge' as const, 'disable' as const, 'enable' as const) }),
  fc.record({ kind: fc.constant('mix' as const), rows: fc.array(weights, { minLength: 5, maxLength: 5 }), isBlind }),
);
type Operation = typeof operation extends fc.Arbitrary<infer Drawn> ? Drawn : never;

it('computes what it is meant to, after any operations', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 4, maxLength: 14 }), async (operations) => {
      const tensors = tf.memory().numTensors - model.weights.uploads;
      const set = adapterSet(model, { engine: eagerEngine() });
      const plain = new Plain();
      for (const [index, each] of names.slice(0, 2).entries()) {
        const first: Operation = { kind: 'add', name: each, member: (operations.length + index) % pool.length };
        expectation(plain, first);
        await carryOut(set, first);
      }
      for (const drawn of operations) {
        const step = seeing(plain, drawn);
        const what = JSON.stringify(step, (_, value) => (value instanceof Map ? [...value] : value));
        const expected = expectation(plain, step);
        const refused = await carryOut(set, step).then(
          () => undefined,
          (error: unknown) => (isPeftError(error) ? error.code : error),
        );
        expect(refused, what).toBe(expected);
        expect([...set.names].sort(), what).toEqual([...plain.held.keys()].sort());
        expect(new Map(set.active), what).toEqual(plain.active);
        expect([set.isMerged, set.isEnabled], what).toEqual([plain.isMerged, plain.isEnabled]);
        const output = await plain.output();
        const seen = outputOf((batch) => set.apply(batch));
        requireClose(seen, output, { what, tolerance });
        requireClose((await set.predict(toyIds())).data as Float32Array, output, { what, tolerance });
        if (step.kind === 'mix' && !refused) await requireRows(set, plain, step.rows);
      }
      await set.dispose();
      expect(tf.memory().numTensors - model.weights.uploads).toBe(tensors);
    }),
    { seed: 2611, numRuns: 60, verbose: true },
  );
});

/** The step with the names that the set has alone; one in five is drawn blindly. */
function seeing({ held }: Plain, step: Operation): Operation {
  const known = (weights: Weights) => new Map([...weights].filter(([each]) => held.has(each)));
  if (step.kind === 'activate' && !step.isBlind) return { ...step, weights: known(step.weights) };
  return step.kind === 'mix' && !step.isBlind ? { ...step, rows: step.rows.map(known) } : step;
}

async function requireRows(set: AdapterSet, plain: Plain, rows: readonly Weights[]): Promise<void> {
  const mixed = outputOf((batch) => set.apply(batch, { rows: rows.map((row) => Object.fromEntries(row)) }));
  for (const [row, choice] of rows.entries()) {
    const alone = await plain.output(choice);
    const place = [row * 6, row * 6 + 6] as const;
    requireClose(mixed.slice(...place), alone.slice(...place), { what: `row ${row}`, tolerance });
  }
}

/** Carries a step out on the plain model, or says by which code it must be refused. */
function expectation(plain: Plain, step: Operation): string | undefined {
  const { held } = plain;
  switch (step.kind) {
    case 'add':
      if (held.has(step.name)) return 'adapters/name';
      held.set(step.name, step.member);
      return undefined;
    case 'remove':
      if (!held.has(step.name)) return 'adapters/unknown';
      if (plain.active.has(step.name)) return 'adapters/active';
      held.delete(step.name);
      return undefined;
    case 'swap':
      if (!held.has(step.name)) return 'adapters/unknown';
      held.set(step.name, step.member);
      if (plain.active.has(step.name)) plain.isMerged = false;
      return undefined;
    case 'activate': {
      if ([...step.weights.keys()].some((each) => !held.has(each))) return 'adapters/unknown';
      const isSame =
        step.weights.size === plain.active.size &&
        [...step.weights].every(([each, weight]) => plain.active.get(each) === weight);
      if (!isSame) [plain.active, plain.isMerged] = [step.weights, false];
      return undefined;
    }
    case 'merge':
      if (plain.active.size === 0) return 'adapters/none-active';
      plain.isMerged = true;
      return undefined;
    case 'unmerge':
      plain.isMerged = false;
      return undefined;
    case 'disable':
    case 'enable':
      plain.isEnabled = step.kind === 'enable';
      return undefined;
    case 'mix':
      return step.rows.some((row) => [...row.keys()].some((each) => !held.has(each))) ? 'adapters/unknown' : undefined;
  }
}

async function carryOut(set: AdapterSet, step: Operation): Promise<void> {
  switch (step.kind) {
    case 'add':
    case 'swap': {
      const copy = copyOf(pool[step.member] as TrainedAdapter);
      const done = await set[step.kind](step.name, copy).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (done === undefined) return;
      tf.dispose([copy.adapter.params, copy.adapter.state, copy.trained] as tf.TensorContainer);
      for (const { rows } of Object.values(copy.tokenRows)) rows.dispose();
      throw done;
    }
    case 'remove':
      return set.remove(step.name);
    case 'activate':
      return set.activate(Object.fromEntries(step.weights));
    case 'merge':
    case 'unmerge':
      return set[step.kind]();
    case 'disable':
    case 'enable':
      return set[step.kind]();
    case 'mix':
      outputOf((batch) => set.apply(batch, { rows: step.rows.map((row) => Object.fromEntries(row)) }));
      return undefined;
  }
}
