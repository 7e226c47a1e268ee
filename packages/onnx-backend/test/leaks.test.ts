import { hostArray, type Snapshot, type StepFunction, Weights } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { nativeRuntime } from '../src/native/nativeRuntime.ts';
import { onnxEngine } from '../src/onnxEngine.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

const descend =
  (weights: Weights): StepFunction =>
  (state, { x, rate }) => {
    const product = tf.matMul(x as tf.Tensor2D, weights.tensor('w') as tf.Tensor2D);
    const loss = (b: tf.Tensor) => tf.sum(tf.square(tf.add(product, b))) as tf.Scalar;
    const { value, grad } = tf.valueAndGrad(loss)(state.b as tf.Tensor);
    const next = tf.sub(state.b as tf.Tensor, tf.mul(grad, rate as tf.Tensor));
    return { state: { ...state, b: next }, metrics: { loss: value as tf.Scalar } };
  };

describe('over many steps and recompilations', () => {
  it('no tensor, session or other native handle is left behind', async () => {
    const runtime = await nativeRuntime({ threads: 1 });
    const engine = onnxEngine({ runtime });
    const weights = new Weights([['w', hostArray([1, 2, 3, 4], [2, 2])]]);
    const before = { ...runtime.handles };
    const tensors: number[] = [];
    const handles: object[] = [];
    let state: Snapshot = { b: tf.zeros([2]) };
    const x = hostArray([1, 0, 0, 1], [2, 2]);
    for (let stage = 0; stage < 30; stage++) {
      const fork = weights.fork();
      const program = await engine.compile({ descend: descend(fork) }, fork);
      await program.bind(state);
      for (let step = 0; step < 50; step++) {
        await program.run('descend', { x, rate: 0.01 });
        if (step % 10 === 0) await program.state();
        if (step === 25) fork.write('w', hostArray([1, 2, 3, stage], [2, 2]));
      }
      state = await program.release();
      program.dispose();
      await settled();
      fork.dispose();
      tensors.push(tf.memory().numTensors);
      handles.push({ ...runtime.handles });
    }
    expect(tensors).toEqual(tensors.map(() => tensors[0]));
    expect(handles).toEqual(handles.map(() => ({ ...before, Session: before.Session + 1 })));
    engine.dispose();
    await settled();
    expect(runtime.handles).toEqual(before);
    tf.dispose(state as never);
    weights.dispose();
  });

  it('sessions that no program uses are few', async () => {
    const runtime = await nativeRuntime({ threads: 1 });
    const engine = onnxEngine({ runtime });
    const weights = new Weights([]);
    const before = runtime.handles.Session;
    for (let size = 1; size <= 20; size++) {
      const grow: StepFunction = (state) => ({ state: { b: tf.add(state.b as tf.Tensor, 1) }, metrics: {} });
      const program = await engine.compile({ grow }, weights);
      await program.bind({ b: tf.zeros([size]) });
      await program.run('grow', {});
      program.dispose();
      await settled();
    }
    expect(runtime.handles.Session - before).toBe(8);
    engine.dispose();
    await settled();
    expect(runtime.handles.Session).toBe(before);
  });
});
