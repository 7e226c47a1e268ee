import {
  eagerEngine,
  type HostInputs,
  hostArray,
  type Program,
  type Snapshot,
  type StepFunction,
  Weights,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { plantedFunctions, plantedState, plantedWeights } from '../../test/planted.ts';
import { nativeRuntime } from '../native/nativeRuntime.ts';
import { onnxEngine } from '../onnxEngine.ts';
import { OnnxError } from '../onnxError.ts';

let tensorsBefore = 0;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});

const x = hostArray([1, 0, 2, -1, 3, 1], [2, 3]);
type Name = keyof ReturnType<typeof plantedFunctions>;

const valuesOf = async (state: Snapshot): Promise<unknown> =>
  Object.fromEntries(
    await Promise.all(
      Object.entries(state).map(async ([key, entry]) => {
        if (typeof entry === 'number') return [key, entry];
        return [key, entry instanceof tf.Tensor ? [...(await entry.data())] : await valuesOf(entry)];
      }),
    ),
  );

async function pair() {
  const weights = plantedWeights();
  const functions = plantedFunctions(weights);
  const programs: Program<Name>[] = [];
  for (const engine of [eagerEngine(), onnxEngine({ runtime: 'native' })]) {
    const program = await engine.compile(functions, weights);
    await program.bind(plantedState());
    programs.push(program);
  }
  return { weights, eager: programs[0] as Program<Name>, compiled: programs[1] as Program<Name> };
}

const inputsOf: Readonly<Record<Name, HostInputs>> = {
  loss: { x },
  bias: { x, rate: 0.125 },
  gain: { x },
  both: { rate: -0.5 },
  predict: { x },
};

describe('a compiled program', () => {
  it('agrees with the eager engine after any order of functions, rebinding and looking', async () => {
    const names = fc.constantFrom<Name | 'look' | 'rebind'>(
      'loss',
      'bias',
      'gain',
      'both',
      'predict',
      'look',
      'rebind',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(names, { minLength: 4, maxLength: 14 }), async (order) => {
        const before = tf.memory().numTensors;
        const { weights, eager, compiled } = await pair();
        for (const name of order) {
          if (name === 'look')
            expect(await valuesOf(await compiled.state())).toEqual(await valuesOf(await eager.state()));
          else if (name === 'rebind') {
            for (const program of [eager, compiled]) {
              const state = (await program.state()) as { params: Snapshot };
              await program.bind({ ...state, count: 5, params: { ...state.params, gain: tf.scalar(1.5) } });
            }
          } else expect(await compiled.run(name, inputsOf[name])).toEqual(await eager.run(name, inputsOf[name]));
        }
        expect(await valuesOf(await compiled.state())).toEqual(await valuesOf(await eager.state()));
        for (const program of [eager, compiled]) program.dispose();
        await new Promise((resolve) => setTimeout(resolve, 0));
        weights.dispose();
        expect(tf.memory().numTensors).toBe(before);
      }),
      { numRuns: 25 },
    );
  });
});

/** Lets work that nobody waits for end. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

async function compiledOf<Name extends string>(
  functions: Record<Name, StepFunction>,
  state: Snapshot,
  weights: Weights,
) {
  const program = await onnxEngine({ runtime: 'native' }).compile(functions, weights);
  await program.bind(state);
  return program;
}

const noWeights = () => new Weights([]);
const doubling: StepFunction = ({ value, ...others }, { by }) => {
  const next = tf.mul(value as tf.Tensor, by as tf.Tensor);
  return { state: { ...others, value: next }, metrics: { sum: tf.sum(next) as tf.Scalar } };
};

const codeAndMessage = (error: unknown) => {
  expect(error).toBeInstanceOf(OnnxError);
  return `${(error as OnnxError).code}: ${(error as OnnxError).message}`;
};

describe('the state of a compiled program', () => {
  it('stays as it was where a metric is not finite', async () => {
    const program = await compiledOf({ doubling }, { value: tf.tensor1d([1, 2]) }, noWeights());
    await program.run('doubling', { by: 2 });
    expect((await program.run('doubling', { by: Number.POSITIVE_INFINITY })).metrics).toEqual({
      sum: Number.POSITIVE_INFINITY,
    });
    expect(await valuesOf(await program.state())).toEqual({ value: [2, 4] });
    expect((await program.run('doubling', { by: 2 })).metrics).toEqual({ sum: 12 });
    program.dispose();
  });

  it('is the tensors that were bound until a run replaces them', async () => {
    const [value, fixed] = [tf.tensor1d([1, 2]), tf.tensor1d([3])];
    const program = await compiledOf({ doubling }, { value, fixed, count: 7 }, noWeights());
    expect(await program.state()).toEqual({ value, fixed, count: 7 });
    expect(((await program.state()) as { value: unknown }).value).toBe(value);
    await program.run('doubling', { by: 2 });
    const state = (await program.state()) as { value: tf.Tensor; fixed: tf.Tensor };
    expect(value.isDisposed).toBe(true);
    expect(state.fixed).toBe(fixed);
    expect(fixed.isDisposed).toBe(false);
    await program.run('doubling', { by: 2 });
    expect(state.value.isDisposed).toBe(true);
    program.dispose();
    await settled();
    expect(fixed.isDisposed).toBe(true);
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it('outlives the program that released it, and no later run writes into it', async () => {
    const program = await compiledOf({ doubling }, { value: tf.tensor1d([1, 2]) }, noWeights());
    for (let step = 0; step < 3; step++) await program.run('doubling', { by: 2 });
    const released = (await program.release()) as { value: tf.Tensor };
    expect(await valuesOf(await program.state())).toEqual({});
    await program.bind({ value: tf.tensor1d([5, 5]) });
    for (let step = 0; step < 3; step++) await program.run('doubling', { by: 3 });
    program.dispose();
    await settled();
    expect(await valuesOf(released)).toEqual({ value: [8, 16] });
    expect([...tf.tidy(() => tf.add(released.value, 1)).dataSync()]).toEqual([9, 17]);
    released.value.dispose();
  });

  it('takes tensors that moved, tensors used twice, and tensors of another shape', async () => {
    const swap: StepFunction = ({ a, b }) => ({
      state: { a: tf.add(b as tf.Tensor, 1), b: a as tf.Tensor },
      metrics: {},
    });
    const program = await compiledOf({ swap }, { a: tf.scalar(1), b: tf.scalar(2) }, noWeights());
    await program.run('swap', {});
    expect(await valuesOf(await program.state())).toEqual({ a: [3], b: [1] });
    const { a, b } = (await program.state()) as { a: tf.Tensor; b: tf.Tensor };
    await program.bind({ a: b, b: a });
    await program.run('swap', {});
    expect(await valuesOf(await program.state())).toEqual({ a: [4], b: [1] });
    const one = tf.tensor1d([1, 2, 3]);
    await program.bind({ a: one, b: one });
    await program.run('swap', {});
    expect(await valuesOf(await program.state())).toEqual({ a: [2, 3, 4], b: [1, 2, 3] });
    program.dispose();
    await settled();
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it('keeps integers and booleans', async () => {
    const count: StepFunction = ({ steps, flags }) => ({
      state: { steps: tf.add(steps as tf.Tensor, tf.scalar(1, 'int32')), flags: tf.logicalNot(flags as tf.Tensor) },
      metrics: {},
    });
    const state = { steps: tf.scalar(3, 'int32'), flags: tf.tensor1d([1, 0], 'bool') };
    const program = await compiledOf({ count }, state, noWeights());
    await program.run('count', {});
    const next = (await program.state()) as { steps: tf.Tensor; flags: tf.Tensor };
    expect([next.steps.dtype, next.flags.dtype]).toEqual(['int32', 'bool']);
    expect(await valuesOf(next)).toEqual({ steps: [4], flags: [0, 1] });
    program.dispose();
  });
});

describe('weights', () => {
  const predict =
    (weights: Weights): StepFunction =>
    (state, { x: given }) => ({
      state,
      metrics: {},
      outputs: { y: tf.matMul(given as tf.Tensor2D, weights.tensor('w') as tf.Tensor2D) },
    });
  const predicted = async (program: Program<'predict'>) =>
    (await program.run('predict', { x: hostArray([1, 1], [1, 2]) })).outputs.y?.data;

  it('are read where they are, and again once they are rewritten', async () => {
    const base = new Weights([['w', hostArray([1, 2, 3, 4], [2, 2])]]);
    const fork = base.fork();
    const program = await compiledOf({ predict: predict(fork) }, {}, fork);
    expect(await predicted(program)).toEqual(Float32Array.of(4, 6));
    fork.write('w', hostArray([10, 20, 30, 40], [2, 2]));
    expect(await predicted(program)).toEqual(Float32Array.of(40, 60));
    program.dispose();
    fork.dispose();
    base.dispose();
    await settled();
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it('of 16 bits are widened once for all programs, those uploaded before are found', async () => {
    // 1, 2, 3 and 4 as bfloat16.
    const bits = Uint16Array.of(0x3f80, 0x4000, 0x4040, 0x4080);
    const weights = new Weights([['w', { dtype: 'bfloat16', shape: [2, 2], data: bits }]]);
    const uploaded = new Weights([['w', hostArray([1, 2, 3, 4], [2, 2])]]);
    expect(uploaded.tensor('w').shape).toEqual([2, 2]);
    for (const each of [weights, weights, uploaded]) {
      const program = await compiledOf({ predict: predict(each) }, {}, each);
      expect(await predicted(program)).toEqual(Float32Array.of(4, 6));
      program.dispose();
    }
    // Eager operations read them too.
    expect([...tf.tidy(() => tf.sum(weights.tensor('w'))).dataSync()]).toEqual([10]);
    weights.dispose();
    uploaded.dispose();
  });

  it('and tensors made before a capture that are no weights are read once', async () => {
    const shift = tf.tensor1d([1, 2]);
    const shifted: StepFunction = (state, { by }) => ({
      state,
      metrics: {},
      outputs: { y: tf.add(shift, by as tf.Tensor) },
    });
    const program = await compiledOf({ shifted }, {}, noWeights());
    for (const by of [1, 2]) {
      expect((await program.run('shifted', { by })).outputs.y?.data).toEqual(Float32Array.of(1 + by, 2 + by));
    }
    program.dispose();
    shift.dispose();
  });
});

describe('a program', () => {
  it('refuses functions that change the shape of the state or leave leaves out, and uneven metrics', async () => {
    const functions: Record<string, StepFunction> = {
      grows: ({ value, fixed }) => ({
        state: {
          value: tf.concat([value as tf.Tensor1D, value as tf.Tensor1D]),
          fixed: fixed as tf.Tensor,
          more: tf.scalar(1),
        },
        metrics: {},
      }),
      drops: ({ value }) => ({ state: { value: value as tf.Tensor }, metrics: {} }),
      uneven: (state) => ({ state, metrics: { each: state.value as tf.Scalar } }),
    };
    const program = await compiledOf(functions, { value: tf.tensor1d([1]), fixed: tf.scalar(1) }, noWeights());
    const head =
      'onnx/state: a compiled function returns the state it was given, leaf for leaf in the same types; this one does not:';
    expect(await program.run('grows', {}).catch(codeAndMessage)).toBe(
      `${head}\n  "state/value" is float32[1] and returned as float32[2]\n  "state/more" is new`,
    );
    expect(await program.run('drops', {}).catch(codeAndMessage)).toBe(`${head}\n  "state/fixed" is not returned`);
    expect(await program.run('uneven', {}).catch(codeAndMessage)).toBe(
      'onnx/metric: metrics are 0-d tensors; reduce these, or return them as outputs: metrics/each.',
    );
    program.dispose();
  });

  it('refuses inputs that no tensor holds', async () => {
    const program = await compiledOf({ doubling }, { value: tf.tensor1d([1]) }, noWeights());
    const large = { dtype: 'int64', shape: [], data: BigInt64Array.of(1n << 40n) } as const;
    expect(await program.run('doubling', { by: large }).catch(codeAndMessage)).toBe(
      'onnx/input: input "by" holds 1099511627776, which does not fit int32; scale or re-index it.',
    );
    const narrow = { dtype: 'bfloat16', shape: [], data: Uint16Array.of(0) } as const;
    expect(await program.run('doubling', { by: narrow }).catch(codeAndMessage)).toBe(
      'onnx/input: input "by" is bfloat16; hand inputs over as float32, integers or bool.',
    );
    expect(
      (await program.run('doubling', { by: { dtype: 'float64', shape: [], data: Float64Array.of(3) } })).metrics,
    ).toEqual({ sum: 3 });
    program.dispose();
  });

  it('says at capture which operation it does not know, and runs on', async () => {
    const unknown: StepFunction = (state) => ({
      state,
      metrics: { value: tf.sum(tf.acosh(state.value as tf.Tensor)) as tf.Scalar },
    });
    const program = await compiledOf({ unknown, doubling }, { value: tf.tensor1d([1]) }, noWeights());
    await expect(program.run('unknown', {})).rejects.toThrow(
      /^capture: Acosh at .*onnxProgram\.test\.ts.* is no operation of the op table/,
    );
    expect((await program.run('doubling', { by: 2 })).metrics).toEqual({ sum: 2 });
    program.dispose();
  });

  it('compiles again for inputs and states of other shapes', async () => {
    let captures = 0;
    const total: StepFunction = (state, { x: given }) => {
      captures++;
      return {
        state,
        metrics: { total: tf.add(tf.sum(given as tf.Tensor), tf.sum(state.value as tf.Tensor)) as tf.Scalar },
      };
    };
    const program = await compiledOf({ total }, { value: tf.tensor1d([1]) }, noWeights());
    for (const size of [2, 3, 2, 3]) {
      expect((await program.run('total', { x: hostArray(new Float32Array(size).fill(1)) })).metrics).toEqual({
        total: size + 1,
      });
    }
    expect(captures).toBe(2);
    await program.bind({ value: tf.tensor1d([2]) });
    await program.run('total', { x: hostArray([1, 1]) });
    expect(captures).toBe(2);
    await program.bind({ value: tf.tensor1d([2, 2]) });
    expect((await program.run('total', { x: hostArray([1, 1]) })).metrics).toEqual({ total: 6 });
    expect(captures).toBe(3);
    program.dispose();
  });

  it('ends what is in flight before it is disposed of, and refuses what comes later', async () => {
    const runtime = await nativeRuntime();
    const before = { ...runtime.handles };
    const engine = onnxEngine({ runtime });
    const program = await engine.compile({ doubling }, noWeights());
    await program.bind({ value: tf.tensor1d([1, 2]) });
    const runs = [2, 3].map((by) => program.run('doubling', { by }));
    program.dispose();
    program.dispose();
    expect((await Promise.all(runs)).map(({ metrics }) => metrics)).toEqual([{ sum: 6 }, { sum: 18 }]);
    const refusal = 'onnx/disposed: this program was disposed of; compile the functions again.';
    expect(await program.run('doubling', { by: 2 }).catch(codeAndMessage)).toBe(refusal);
    expect(await program.state().catch(codeAndMessage)).toBe(refusal);
    engine.dispose();
    await settled();
    expect(runtime.handles).toEqual(before);
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it('runs beside others, of one engine and of two', async () => {
    const engines = [onnxEngine({ runtime: 'native' }), onnxEngine({ runtime: 'native', threads: 1 })];
    const programs = await Promise.all([0, 0, 1].map((index) => engines[index]?.compile({ doubling }, noWeights())));
    await Promise.all(programs.map((program, index) => program?.bind({ value: tf.tensor1d([index]) })));
    for (let step = 0; step < 20; step++) {
      await Promise.all(programs.map((program) => program?.run('doubling', { by: 1.5 })));
    }
    const sums = await Promise.all(
      programs.map(async (program) => (await program?.run('doubling', { by: 1 }))?.metrics.sum),
    );
    const grown = Array.from({ length: 20 }).reduce<number>((value) => Math.fround(value * 1.5), 1);
    expect(sums).toEqual([0, grown, 2 * grown]);
    for (const program of programs) program?.dispose();
  });
});

it('runs the same through the binding of onnxruntime-node', async () => {
  const weights = plantedWeights();
  const programs = await Promise.all(
    [eagerEngine(), onnxEngine({ runtime: 'binding' })].map((engine) =>
      engine.compile(plantedFunctions(weights), weights),
    ),
  );
  for (const program of programs) await program.bind(plantedState());
  for (const name of ['bias', 'both', 'gain', 'predict', 'bias'] as const) {
    const [eager, compiled] = await Promise.all(programs.map((program) => program.run(name, inputsOf[name])));
    expect(compiled).toEqual(eager);
  }
  const [eager, compiled] = await Promise.all(programs.map(async (program) => valuesOf(await program.state())));
  expect(compiled).toEqual(eager);
  for (const program of programs) program.dispose();
  weights.dispose();
});
