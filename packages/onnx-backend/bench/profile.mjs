// Where the time of a training step goes, by operation of ONNX Runtime: BERT-base's shape, LoRA on query and value.
// node bench/profile.mjs [layers] [sequences] [length] [steps], after a build of the workspace.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adamw, batches, classification, fineTune, hostArray } from '@peft/core';
import { lora } from '@peft/lora';
import { bert, freshBertWeights } from '@peft/models';
import { nativeRuntime, onnxEngine } from '@peft/onnx-backend';
import * as tf from '@tensorflow/tfjs';

const [layers = 12, sequences = 8, length = 128, steps = 6] = process.argv.slice(2).map(Number);
await tf.setBackend('cpu');

const config = {
  architectures: ['BertForSequenceClassification'],
  vocab_size: 30522,
  hidden_size: 768,
  num_hidden_layers: layers,
  num_attention_heads: 12,
  intermediate_size: 3072,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-12,
  max_position_embeddings: 512,
  type_vocab_size: 2,
  num_labels: 2,
};
const folder = mkdtempSync(join(tmpdir(), 'peft-profile-'));
const profile = process.env.PROFILE === 'off' ? {} : { profile: join(folder, 'step') };
const config_ = process.env.ORT_CONFIG ? { config: JSON.parse(process.env.ORT_CONFIG) } : {};
const engine = onnxEngine({
  runtime: await nativeRuntime({ threads: Number(process.env.THREADS ?? 2), ...profile, ...config_ }),
});
const model = bert(config, freshBertWeights(config, 1));
const ids = Int32Array.from({ length: sequences * length }, (_, index) => 1000 + ((index * 7919) % 20000));
const run = fineTune(model, {
  strategy: lora({ rank: 8 }),
  targets: ['query', 'value'],
  modulesToSave: ['classifier'],
  loss: classification(),
  data: batches(
    {
      inputIds: hostArray(ids, [sequences, length]),
      attentionMask: hostArray(new Int32Array(sequences * length).fill(1), [sequences, length]),
      labels: hostArray(Int32Array.from({ length: sequences }, (_, index) => index % 2)),
    },
    { batchSize: sequences },
  ),
  epochs: steps,
  optimizer: adamw(),
  schedule: 1e-3,
  maxGradientNorm: 1,
  seed: 1,
  progress: false,
  onWarning: () => {},
  engine,
});
let ticks = 0;
let began = performance.now();
const timer = setInterval(() => ticks++, 1);
const times = [];
for await (const event of run) {
  if (event.type !== 'step') continue;
  times.push(event.seconds * 1000);
  if (times.length === 1) {
    ticks = 0;
    began = performance.now();
  }
}
clearInterval(timer);
const elapsed = performance.now() - began;
const { dispose } = await run.result;
dispose();
engine.dispose();
const [first, ...rest] = times;
const sorted = rest.toSorted((a, b) => a - b);
console.log(
  `first step ${first?.toFixed(0)} ms; then best ${sorted[0]?.toFixed(0)}, median ${sorted[sorted.length >> 1]?.toFixed(0)} ms`,
);
console.log(`ticks of a 1 ms timer: ${((100 * ticks) / elapsed).toFixed(0)} % of ${elapsed.toFixed(0)} ms`);
console.log(`peak resident ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
await new Promise((resolve) => setTimeout(resolve, 200));
for (const file of readdirSync(folder)) report(JSON.parse(readFileSync(join(folder, file), 'utf8')));
rmSync(folder, { recursive: true });

/** Of the later half of the runs: the first ones find memory untouched. */
function report(events) {
  const all = events.filter(({ name }) => name === 'model_run').toSorted((a, b) => a.ts - b.ts);
  const runs = Math.ceil(all.length / 2);
  const from = all[all.length - runs].ts;
  const nodes = events.filter(({ cat, name, ts }) => cat === 'Node' && name.endsWith('_kernel_time') && ts >= from);
  const kinds = new Map();
  for (const { dur, args } of nodes) {
    const kind = kinds.get(args.op_name) ?? { time: 0, count: 0 };
    kinds.set(args.op_name, { time: kind.time + dur, count: kind.count + 1 });
  }
  const total = [...kinds.values()].reduce((sum, { time }) => sum + time, 0);
  console.log(`\n${runs} runs, ${(total / runs / 1000).toFixed(1)} ms in operations a run`);
  for (const [name, { time, count }] of [...kinds].toSorted(([, a], [, b]) => b.time - a.time).slice(0, 22)) {
    const share = ((100 * time) / total).toFixed(1);
    console.log(
      `${name.padEnd(24)} ${(time / runs / 1000).toFixed(2).padStart(9)} ms ${share.padStart(5)} % ${count / runs} nodes`,
    );
  }
  const slow = new Map();
  for (const { dur, args, name } of nodes) {
    const key = `${args.op_name} ${JSON.stringify(args.input_type_shape?.map((each) => Object.values(each)[0]?.join('x')))}`;
    const entry = slow.get(key) ?? { time: 0, count: 0, name };
    slow.set(key, { ...entry, time: entry.time + dur, count: entry.count + 1 });
  }
  for (const [key, { time, count }] of [...slow].toSorted(([, a], [, b]) => b.time - a.time).slice(0, 30)) {
    console.log(`  ${(time / runs / 1000).toFixed(2).padStart(9)} ms ${String(count / runs).padStart(5)} x ${key}`);
  }
}
