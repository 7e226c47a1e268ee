// tfjs's own way beside ours, in turn, on wasm or the backend named: node bench/matMul.mjs [backend], after a build.
// Processor time, since wall time would count what else the machine does; the median of the rounds.
import { gather, gelu, layerNorm, matMul } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';

const ROUNDS = 9;

await tf.setBackend(process.argv[2] ?? 'wasm');

const random = (...shape) => tf.randomNormal(shape);
const x = random(512, 768);
const weight = random(768, 768);
const down = random(768, 8);
const up = random(8, 768);
const dy = random(512, 768);
const query = random(8, 12, 128, 64);
const small = random(64, 17, 16);
const table = random(30_000, 64);
const rows = random(512, 64);
const ids = tf.tensor1d(
  Array.from({ length: 512 }, (_, index) => (index * 7919) % 30_000),
  'int32',
);
const [gain, bias] = [random(768), random(768)];

const lora = (multiply) => () => tf.grads((a, b, input) => multiply(multiply(input, a), b))([down, up, x], dy);
const linear = (multiply) => () => tf.grad((input) => multiply(input, weight))(x, dy);
const scores = (multiply) => () => multiply(query, query, false, true);
const attend = (multiply) => () =>
  tf.grad((input) => multiply(tf.softmax(multiply(input, query, false, true)), query))(query, query);
const oneHot = (embeddings) => tf.matMul(tf.oneHot(ids, 30_000), embeddings);
const embed = (read) => () => tf.grad((embeddings) => read(embeddings))(table, rows);
const plainGelu = (input) => tf.mul(tf.mul(input, 0.5), tf.add(tf.erf(tf.mul(input, Math.SQRT1_2)), 1));
const plainLayerNorm = (input) => {
  const { mean, variance } = tf.moments(input, -1, true);
  return tf.add(tf.mul(tf.mul(tf.sub(input, mean), tf.rsqrt(tf.add(variance, 1e-5))), gain), bias);
};
const gradient = (run) => () => tf.grad(run)(x, dy);

const cases = [
  ['[512,768] . [768,768]', () => tf.matMul(x, weight), () => matMul(x, weight)],
  ['[512,768] . [768,768] transposed', () => tf.matMul(x, weight, false, true), () => matMul(x, weight, false, true)],
  ['[512,768] transposed . [512,768]', () => tf.matMul(x, dy, true), () => matMul(x, dy, true)],
  ['frozen linear, forward and gradient', linear(tf.matMul), linear(matMul)],
  ['rank-8 pair, forward and all gradients', lora(tf.matMul), lora(matMul)],
  ['scores of 96 heads [128,64] . [128,64] transposed', scores(tf.matMul), scores(matMul)],
  ['attention of 96 heads, forward and gradient', attend(tf.matMul), attend(matMul)],
  [
    '64 small heads [17,16] . [17,16] transposed',
    () => tf.matMul(small, small, false, true),
    () => matMul(small, small, false, true),
  ],
  ['512 rows of [30000,64], forward and gradient', embed(oneHot), embed((embeddings) => gather(embeddings, ids))],
  ['GELU of [512,768], forward and gradient', gradient(plainGelu), gradient(gelu)],
  [
    'layer norm of [512,768], forward and gradient',
    gradient(plainLayerNorm),
    gradient((input) => layerNorm(input, gain, bias, 1e-5)),
  ],
];

function milliseconds(run) {
  const start = process.cpuUsage();
  tf.tidy(() => void run());
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

console.log('| on %s | tfjs, ms | @peft/ops, ms |\n| --- | --: | --: |', tf.getBackend());
for (const [name, theirs, ours] of cases) {
  milliseconds(theirs);
  milliseconds(ours);
  const times = Array.from({ length: ROUNDS }, () => [milliseconds(theirs), milliseconds(ours)]);
  const [before, after] = [0, 1].map((side) => median(times.map((pair) => pair[side])));
  console.log(`| ${name} | ${before.toPrecision(3)} | ${after.toPrecision(3)} |`);
}
