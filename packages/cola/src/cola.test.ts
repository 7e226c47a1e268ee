import { adalora } from '@peft/adalora';
import {
  type AnyModel,
  type AnyStrategy,
  adamw,
  attach,
  batches,
  combinedFactors,
  type FineTuneOptions,
  fineTune,
  isPeftError,
  mapTree,
  mergeAdapter,
  type Run,
  regression,
  type TrainEvent,
  type TrainingState,
} from '@peft/core';
import { requireClose, strategyLaws, toyData, toyModel, toyStrategy } from '@peft/core/testing';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { cola } from './cola.ts';
import type { ColaOptions } from './colaOptions.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const columns = toyData();
const pair = () => lora({ rank: 2, alpha: 3 });
const probe = () => ({ ids: tf.tensor2d(columns.ids.data as Int32Array, [24, 2], 'int32') });

function train(strategy: AnyStrategy, changes: Partial<FineTuneOptions> = {}, model: AnyModel = toyModel()) {
  const events: TrainEvent[] = [];
  const run = fineTune(model, {
    strategy,
    targets: ['embed', 'query'],
    loss: regression(),
    data: batches(columns, { batchSize: 6 }),
    steps: 6,
    optimizer: adamw(),
    schedule: (step, totalSteps) => 0.03 * (1 - step / totalSteps),
    seed: 9,
    progress: false,
    onWarning: () => {},
    onEvent: (event) => void events.push(event),
    ...changes,
  });
  const of = <T extends TrainEvent['type']>(type: T) =>
    events.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type);
  return { run, model, of };
}

/** The run's state right after this step. */
async function stateAfter(run: Run, step: number): Promise<TrainingState> {
  for await (const event of run) {
    if (event.type === 'step' && event.step === step) {
      const state = await run.state();
      run.stop();
      (await run.result).dispose();
      expect(state.step).toBe(step);
      return state;
    }
  }
  throw new Error(`no step ${step}`);
}

const valuesOf = (state: TrainingState, pattern: RegExp) =>
  Object.entries(state.tensors).flatMap(([path, leaf]) =>
    pattern.test(path) && typeof leaf === 'object' ? [[path, Array.from(leaf.data as Float32Array)] as const] : [],
  );

describe('a knot', () => {
  it('restarts moments and counters of the targets alone, and begins a link whose b is zero', async () => {
    const { run } = train(cola(pair(), { links: 2 }) as AnyStrategy, { modulesToSave: ['head'] });
    const state = await stateAfter(run, 3);
    const fresh = valuesOf(state, /^slots\/adapter\//);
    expect(fresh.length).toBe(12);
    for (const [, values] of fresh) expect(values.every((value) => value === 0)).toBe(true);
    for (const [path, start] of Object.entries(state.starts)) expect(start).toBe(path.startsWith('adapter/') ? 3 : 0);
    for (const [, values] of valuesOf(state, /^slots\/trained\//))
      expect(values.some((value) => value !== 0)).toBe(true);
    for (const [, values] of valuesOf(state, /^adapter\/layer\.\d\.query\/b$/))
      expect(values).toEqual(values.map(() => 0));
    expect(state.finished.map(({ source, targets }) => [source, targets])).toEqual([
      ['0', ['embed', 'layer.0.query', 'layer.1.query']],
    ]);
  });

  it("restarts every leaf under restart: 'all', and none under 'none'", async () => {
    const startsUnder = async (restart: ColaOptions['restart']) => {
      const { run } = train(cola(pair(), { links: 2, restart }) as AnyStrategy, { modulesToSave: ['head'] });
      const state = await stateAfter(run, 3);
      const moments = valuesOf(state, /^slots\/adapter\/.*\/m$/).some(([, values]) =>
        values.some((value) => value !== 0),
      );
      return { starts: [...new Set(Object.values(state.starts))], moments };
    };
    expect(await startsUnder('all')).toEqual({ starts: [3], moments: false });
    expect(await startsUnder('none')).toEqual({ starts: [0], moments: true });
  });

  it('restarts the schedule of its targets, of every leaf, or of none', async () => {
    const ratesOf = async (options: Partial<ColaOptions>) => {
      const strategy = cola(pair(), { links: 2, ...options }) as AnyStrategy;
      const { run, of } = train(strategy, {
        steps: 4,
        modulesToSave: ['head'],
        schedule: (step, total) => step / total,
      });
      (await run.result).dispose();
      return of('step').map(({ learningRates }) => learningRates);
    };
    expect(await ratesOf({})).toEqual([
      [0, 0],
      [0.5, 0.25],
      [0, 0.5],
      [0.5, 0.75],
    ]);
    expect(await ratesOf({ restart: 'all' })).toEqual([[0], [0.5], [0], [0.5]]);
    expect(await ratesOf({ schedule: 'continue' })).toEqual([[0], [0.25], [0.5, 0.5], [0.75, 0.75]]);
  });

  it('comes where the links are cut, and not after the last', async () => {
    const knotsOf = async (options: ColaOptions, steps: number) => {
      const { run, of } = train(cola(pair(), options) as AnyStrategy, { steps });
      (await run.result).dispose();
      return of('effect').flatMap(({ effect, step }) => (effect === 'merge' ? [step] : []));
    };
    expect(await knotsOf({ links: 3 }, 7)).toEqual([2, 4]);
    expect(await knotsOf({ steps: [1, 4, 1, 1] }, 7)).toEqual([1, 5, 6]);
    expect(await knotsOf({ links: 1 }, 3)).toEqual([]);
  });

  it('leaks nothing where links replace their tensors between steps', async () => {
    const renewing = (): AnyStrategy => ({
      ...(toyStrategy() as AnyStrategy),
      advance: async (_context, { params, state }) => ({ params: mapTree(params, tf.clone), state, effects: [] }),
    });
    const law = strategyLaws(() => cola(renewing(), { links: 3 }) as AnyStrategy).find(({ name }) =>
      /^law 7/.test(name),
    );
    expect(law).toBeDefined();
    await law?.check();
  });
});

describe('a chain', () => {
  it('of one link gives the loss curve of the link, bit for bit', async () => {
    const lossesOf = async (strategy: AnyStrategy) => {
      const { run, of } = train(strategy, { steps: 8 });
      (await run.result).dispose();
      return of('step').map(({ loss }) => loss);
    };
    expect(await lossesOf(cola(pair(), { links: 1 }) as AnyStrategy)).toEqual(await lossesOf(pair() as AnyStrategy));
  });

  it('is one LoRA of the summed rank', async () => {
    const link = (index: number) => lora({ rank: 3 - index, alpha: 2 });
    const { run, model } = train(cola(link, { links: 3 }) as AnyStrategy);
    const { adapter, weights, dispose } = await run.result;
    const attached = await attach(model, adapter);
    const merged = await mergeAdapter(model, adapter);
    for (const target of adapter.targets) {
      const factors = combinedFactors(adapter, target);
      if (!factors) throw new Error(target.path);
      expect([factors.a.shape, factors.b.shape]).toEqual([
        [target.shape[0], 6],
        [6, target.shape[1]],
      ]);
      const path = `${target.path}.weight`;
      const whole = tf.add(model.weights.tensor(path), tf.matMul(factors.a, factors.b));
      const what = target.path;
      requireClose(whole.dataSync(), merged.get(path).data as Float32Array, { what, tolerance: 1e-5 });
      expect(weights.get(path)).toEqual(attached.weights.get(path));
    }
    const batch = probe();
    const direct = attached.apply(batch).dataSync();
    const flat = { ...model, weights: merged };
    const throughMerged = await attach(flat, {
      ...adapter,
      targets: [],
      finished: [],
      fingerprint: merged.fingerprint(),
    });
    requireClose(throughMerged.apply(batch).dataSync(), direct, { what: 'output', tolerance: 1e-5 });
    dispose();
  });

  it('has no low-rank pair where a link has none', async () => {
    const dora = lora({ rank: 1, dora: true });
    const { run } = train(cola((index) => (index === 0 ? pair() : dora), { links: 2 }) as AnyStrategy);
    const { adapter, dispose } = await run.result;
    const [target] = adapter.targets;
    if (!target) throw new Error('no target');
    expect(() => combinedFactors(adapter, target)).toThrow(
      'strategy "cola(lora, dora; 2 links)" does not change a weight by a product of two factors, so it has no low-rank pair; save the merged weights instead.',
    );
    dispose();
  });

  it('asks a link whether it is settled, by the clock of the link', async () => {
    const asked: string[] = [];
    const link: AnyStrategy = {
      ...(toyStrategy() as AnyStrategy),
      isSettled: (_state, { step, totalSteps }) => {
        asked.push(`${step} of ${totalSteps}`);
        return true;
      },
    };
    const { run } = train(cola(link, { links: 2 }) as AnyStrategy, {
      evaluation: { data: batches(columns, { batchSize: 24 }), every: 1 },
    });
    (await run.result).dispose();
    expect(asked).toEqual(['1 of 3', '2 of 3', '0 of 3', '1 of 3', '2 of 3', '3 of 3']);
  });

  it('adds the penalty of the link under way', async () => {
    const link = (index: number) =>
      (index === 0 ? pair() : adalora({ initRank: 2, targetRank: 1, warmupSteps: 0, finalSteps: 1 })) as AnyStrategy;
    const { run, of } = train(cola(link, { links: 2 }) as AnyStrategy);
    (await run.result).dispose();
    const penalties = of('step').map(({ penalty }) => penalty);
    expect(penalties.slice(0, 3)).toEqual([0, 0, 0]);
    expect(penalties.slice(3).every((penalty) => penalty > 0)).toBe(true);
  });

  it('resumes only under the cut it was saved by', async () => {
    const state = await stateAfter(train(cola(pair(), { links: 3 }) as AnyStrategy).run, 2);
    const { run } = train(cola(pair(), { links: 2 }) as AnyStrategy, { resume: state });
    await expect(run.result).rejects.toThrow(
      'the training state of step 2 belongs to another run: strategy was cola(lora; 3 links), now cola(lora; 2 links). Resume with the settings of the save, or start anew without it.',
    );
  });
});

describe('wrong chains', () => {
  const cases: readonly (readonly [what: string, call: () => unknown, says: string])[] = [
    [
      'neither links nor steps',
      () => cola(pair(), {}),
      'chain/options: cola: neither links nor steps is given; pass the number of links or the length of each.',
    ],
    [
      'no link',
      () => cola(pair(), { links: 0 }),
      'option/range: cola: links is 0; it must be a whole number at least 1.',
    ],
    [
      'half a link',
      () => cola(pair(), { links: 1.5 }),
      'option/range: cola: links is 1.5; it must be a whole number at least 1.',
    ],
    [
      'no options',
      () => cola(pair(), undefined as never),
      'chain/options: cola: neither links nor steps is given; pass the number of links or the length of each.',
    ],
    [
      'an option of another name',
      () => cola(pair(), { links: 2, restarts: 'all' } as never),
      'chain/options: cola: "restarts" is no option; the options are links, steps, restart, schedule.',
    ],
    [
      'an empty list of lengths',
      () => cola(pair(), { steps: [] }),
      'chain/options: cola: steps is empty; a chain needs at least one link.',
    ],
    [
      'lengths that are no counts',
      () => cola(pair(), { steps: [3, 0, -1] }),
      'option/range: cola: steps[1] is 0, steps[2] is -1; it must be a whole number at least 1.',
    ],
    [
      'links and lengths that disagree',
      () => cola(pair(), { links: 2, steps: [1, 2, 3] }),
      'chain/options: cola: links is 2 but steps has 3 lengths; give one of the two, or make them agree.',
    ],
    [
      'an unknown restart',
      () => cola(pair(), { links: 2, restart: 'head' as never }),
      'chain/options: cola: restart is "head"; it must be "targets", "all" or "none".',
    ],
    [
      'an unknown schedule',
      () => cola(pair(), { links: 2, schedule: 'stop' as never }),
      'chain/options: cola: schedule is "stop"; it must be "restart" or "continue".',
    ],
    [
      'more links than steps',
      () => train(cola(pair(), { links: 7 }) as AnyStrategy).run.result,
      'chain/too-short: cola: 7 links do not fit into 6 steps; every link needs at least one. Train longer or use fewer links.',
    ],
    [
      'lengths that do not make the run',
      () => train(cola(pair(), { steps: [2, 3] }) as AnyStrategy).run.result,
      "chain/steps: cola: the links' steps 2 + 3 make 5, but the chain lives for 6 steps; make them agree.",
    ],
    [
      'a link that is no identity',
      () => train(cola(changing(), { links: 2 }) as AnyStrategy).run.result,
      'chain/link-changes: cola: a fresh link of toy changes "embed" by 1.00 of its norm, "layer.0.query" by 1.00 of its norm, "layer.1.query" by 1.00 of its norm; a link must start as the identity. Use an initialisation with a zero delta.',
    ],
    [
      'a link whose factors have a product',
      () => train(cola(lora({ rank: 2, init: false }), { links: 2 }) as AnyStrategy).run.result,
      'chain/link-changes: cola: a fresh link of lora changes "embed" by 14.6 of its norm, "layer.0.query" by 1.34 of its norm, "layer.1.query" by 1.29 of its norm; a link must start as the identity. Use an initialisation with a zero delta.',
    ],
    [
      'a later link that is no identity',
      () => train(cola((index) => (index === 0 ? toyStrategy() : changing()), { links: 2 }) as AnyStrategy).run.result,
      'chain/link-changes: cola: a fresh link of toy changes "embed" by 1.00 of its norm, "layer.0.query" by 1.00 of its norm, "layer.1.query" by 1.00 of its norm; a link must start as the identity. Use an initialisation with a zero delta.',
    ],
    [
      'no strategy',
      () => cola(42 as never, { links: 2 }),
      'chain/options: cola: link 0 is 42, which is no strategy; pass a strategy, or a function from the index of a link to one.',
    ],
    [
      'a function that gives no strategy for some link',
      () => cola(((index: number) => [pair()][index]) as never, { links: 2 }),
      'chain/options: cola: link 1 is undefined, which is no strategy; pass a strategy, or a function from the index of a link to one.',
    ],
  ];

  it.each(cases)('%s', async (_what, call, says) => {
    expect(await refusal(call)).toBe(says);
  });
});

/** A link that doubles the weight before it has learnt anything. */
function changing() {
  return {
    ...toyStrategy(),
    factors: undefined,
    merge: (_adapter: unknown, _target: unknown, weight: tf.Tensor) => tf.mul(weight, 2),
  };
}

async function refusal(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    if (isPeftError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no error';
}
