// What stays behind over 2,000 steps and 20 knots at toy size, after as many to warm up: node --expose-gc bench/flat.mjs,
// after a build of the workspace. A chain of AdaLoRA links that compact, evaluated every 20 steps; with the argument
// "eager", the same on the eager engine. Prints the slopes in bytes a step, and fails where tensors or handles grow.
import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import { adamw, batches, eagerEngine, fineTune, regression } from '@peft/core';
import { toyData, toyModel } from '@peft/core/testing';
import { nativeRuntime, onnxEngine } from '@peft/onnx-backend';
import * as tf from '@tensorflow/tfjs';

const linkLength = 100;
const links = 41;
// Code is optimised and sessions are kept at hand until then.
const warmUpSteps = 2000;

await tf.setBackend('cpu');
if (!globalThis.gc) throw new Error('run with --expose-gc, so that only what is held is measured');
const runtime = await nativeRuntime();
const compiled = onnxEngine({ runtime });
const engine = process.argv[2] === 'eager' ? eagerEngine() : compiled;
const handlesNow = () => Object.values(runtime.handles).reduce((sum, count) => sum + count, 0);
const before = { tensors: tf.memory().numTensors, handles: handlesNow() };

const model = toyModel();
const samples = [];
let knots = 0;
const began = performance.now();
const { result } = fineTune(model, {
  strategy: cola(adalora({ initRank: 3, targetRank: 1, warmupSteps: 40, finalSteps: 20 }), { links }),
  targets: ['embed', 'query'],
  modulesToSave: ['head'],
  loss: regression(),
  data: batches(toyData(), { batchSize: 6 }),
  evaluation: { data: batches(toyData(4, 9), { batchSize: 4 }), every: 20 },
  steps: links * linkLength,
  optimizer: adamw(),
  schedule: 1e-3,
  keepLinks: false,
  engine,
  progress: false,
  onWarning: () => {},
  onEvent(event) {
    if (event.type === 'effect' && event.effect === 'merge') knots++;
    // In the warm-up of a link, where each has all its ranks.
    if (event.type !== 'step' || event.step % 10 !== 5 || event.step % linkLength > 40) return;
    globalThis.gc();
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
    const { numTensors: tensors } = tf.memory();
    samples.push({ step: event.step, tensors, handles: handlesNow(), resident: rss, held: heapUsed + arrayBuffers });
  },
});
(await result).dispose();
const seconds = (performance.now() - began) / 1000;
model.weights.dispose();
compiled.dispose();
await new Promise((resolve) => setTimeout(resolve, 50));

const late = samples.filter(({ step }) => step > warmUpSteps);
const slopeOf = (name) => {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(late.map(({ step }) => step)), mean(late.map((sample) => sample[name]))];
  const covariance = late.reduce((sum, sample) => sum + (sample.step - x) * (sample[name] - y), 0);
  return covariance / late.reduce((sum, { step }) => sum + (step - x) ** 2, 0);
};
const rangeOf = (name) => {
  const counts = late.map((sample) => sample[name]);
  return [Math.min(...counts), Math.max(...counts)];
};
const [tensors, handles] = [rangeOf('tensors'), rangeOf('handles')];
const left = { tensors: tf.memory().numTensors - before.tensors, handles: handlesNow() - before.handles };
console.log(`${engine.name}: ${links * linkLength} steps, ${knots} knots in ${seconds.toFixed(1)} s`);
console.log(`after step ${warmUpSteps}: tensors ${tensors.join(' to ')}, native handles ${handles.join(' to ')}`);
for (const name of ['resident', 'held']) console.log(`${name} memory: ${slopeOf(name).toFixed(0)} bytes a step`);
console.log(`left at the end: ${left.tensors} tensors, ${left.handles} native handles`);
// Sessions kept at hand for the next link come and go.
const areFlat = tensors[0] === tensors[1] && handles[1] - handles[0] <= 8 && left.tensors === 0 && left.handles === 0;
if (!areFlat) process.exitCode = 1;
