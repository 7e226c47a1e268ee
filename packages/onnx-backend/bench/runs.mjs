// What a run costs beside its operations, and what a program leaves behind: node bench/runs.mjs, after a build of the
// workspace. With --expose-gc the memory is measured after collections.
import { hostArray, Weights } from '@peft/core';
import { capture, runPasses, toOnnx } from '@peft/graph';
import { bindingRuntime, nativeRuntime, onnxEngine } from '@peft/onnx-backend';
import * as tf from '@tensorflow/tfjs';

await tf.setBackend('cpu');

function modelOf(run, inputs) {
  const { model, ...ports } = toOnnx(runPasses(capture(run, { inputs })), { weights: 'inputs' });
  return { bytes: model, feeds: ports.inputs, results: ports.outputs };
}

const microseconds = async (turns, run) => {
  const best = [];
  for (let series = 0; series < 7; series++) {
    const began = performance.now();
    for (let turn = 0; turn < turns; turn++) await run();
    best.push(((performance.now() - began) * 1000) / turns);
  }
  return Math.min(...best).toFixed(1);
};

const one = { shape: [1], dtype: 'float32' };
for (const open of [nativeRuntime, bindingRuntime]) {
  const runtime = await open({ threads: 2 });
  for (const count of [1, 200]) {
    const inputs = Object.fromEntries(Array.from({ length: count }, (_, index) => [`x${index}`, one]));
    const model = modelOf((given) => ({ sum: tf.addN(Object.values(given)) }), inputs);
    const session = await runtime.open(model);
    const feeds = Array.from({ length: count }, () => new Float32Array(1));
    const results = [new Float32Array(1)];
    const binding = session.bind(feeds, results);
    const run = await microseconds(2000, () => binding.run());
    const bind = await microseconds(200, () => session.bind(feeds, results).release());
    console.log(`${runtime.name}: a run with ${count} inputs ${run} us, tying them ${bind} us`);
    binding.release();
    session.release();
  }
}

const runtime = await nativeRuntime({ threads: 2 });
const engine = onnxEngine({ runtime });
const weights = new Weights([['w', hostArray(new Float32Array(64 * 64).fill(0.01), [64, 64])]]);
const step = (state, { x, rate }) => {
  const loss = (b) => tf.mean(tf.square(tf.add(tf.matMul(x, weights.tensor('w')), b)));
  const { value, grad } = tf.valueAndGrad(loss)(state.b);
  return { state: { b: tf.sub(state.b, tf.mul(grad, rate)) }, metrics: { loss: value } };
};
const x = hostArray(new Float32Array(8 * 64).fill(1), [8, 64]);
let state = { b: tf.zeros([64]) };
const resident = () => {
  globalThis.gc?.();
  return process.memoryUsage().rss / 1024;
};
const measured = [];
const steps = 500;
for (let stage = 0; stage < 24; stage++) {
  const program = await engine.compile({ step }, weights);
  await program.bind(state);
  for (let index = 0; index < steps; index++) {
    await program.run('step', { x, rate: 0.01 });
    if (index % 10 === 0) await program.state();
  }
  state = await program.release();
  program.dispose();
  measured.push(resident());
}
const rest = measured.slice(4);
const slope = (rest.at(-1) - rest[0]) / (steps * (rest.length - 1));
const handles = JSON.stringify(runtime.handles);
console.log(
  `resident ${rest[0].toFixed(0)} KiB after 4 stages of ${steps} steps, ${rest.at(-1).toFixed(0)} KiB after 24`,
);
console.log(`that is ${(slope * 1024).toFixed(0)} bytes a step; ${handles}, ${tf.memory().numTensors} tensors`);
