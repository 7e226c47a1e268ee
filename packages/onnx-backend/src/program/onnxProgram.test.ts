import { eagerEngine, type HostInputs, hostArray, type Program, type Snapshot, type StepFunction } from '@peft/core';
import { plantedFunctions, plantedState, plantedWeights } from '@peft/engines';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { codeAndMessage, compiledOf, doubling, noWeights, settled, valuesOf } from '../../test/programs.ts';
import { nativeRuntime } from '../native/nativeRuntime.ts';
import { onnxEngine } from '../onnxEngine.ts';

let tensorsBefore = 0;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});

const x = hostArray([1, 0, 2, -1, 3, 1], [2, 3]);
type Name = keyof ReturnType<typeof plantedFunctions>;

const engines = [eagerEngine(), onnxEngine({ runtime: 'native' })];

async function pair() {
  const weights = plantedWeights();
  const functions = plantedFunctions(weights);
  const programs: Program<Name>[] = [];
  for (const engine of engines) {
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
      { numRuns: 20 },
    );
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
      'compiler/state: a compiled function returns the state it was given, leaf for leaf in the same types; this one does not:';
    expect(await program.run('grows', {}).catch(codeAndMessage)).toBe(
      `${head}\n  "state/value" is float32[1] and returned as float32[2]\n  "state/more" is new`,
    );
    expect(await program.run('drops', {}).catch(codeAndMessage)).toBe(`${head}\n  "state/fixed" is not returned`);
    expect(await program.run('uneven', {}).catch(codeAndMessage)).toBe(
      'compiler/metric: metrics are 0-d tensors; reduce these, or return them as outputs: metrics/each.',
    );
    program.dispose();
  });

  it('refuses inputs that no tensor holds', async () => {
    const program = await compiledOf({ doubling }, { value: tf.tensor1d([1]) }, noWeights());
    const large = { dtype: 'int64', shape: [], data: BigInt64Array.of(1n << 40n) } as const;
    expect(await program.run('doubling', { by: large }).catch(codeAndMessage)).toBe(
      'compiler/input: input "by" holds 1099511627776, which does not fit int32; scale or re-index it.',
    );
    const narrow = { dtype: 'bfloat16', shape: [], data: Uint16Array.of(0) } as const;
    expect(await program.run('doubling', { by: narrow }).catch(codeAndMessage)).toBe(
      'compiler/input: input "by" is bfloat16; hand inputs over as float32, integers or bool.',
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
    const refusal = 'compiler/disposed: this program was disposed of; compile the functions again.';
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
