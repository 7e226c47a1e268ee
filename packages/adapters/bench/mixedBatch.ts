// What adapters cost on a BERT of four layers, 32 sentences of 32 tokens, eager on wasm and on ONNX Runtime:
// node ../../scripts/runSource.mjs bench/mixedBatch.ts [--out FILE]
// The cases take turns; the JSON has by case { wall, cpu }, medians of milliseconds, cpu being that of all threads, which
// other work on the machine moves less.
import { writeFileSync } from 'node:fs';
import {
  type AnyModel,
  type AnyStrategy,
  adamw,
  batches,
  classification,
  fineTune,
  hostArray,
  toTensor,
} from '@peft/core';
import { lora } from '@peft/lora';
import { bert, freshBertWeights } from '@peft/models';
import { onnxEngine } from '@peft/onnx-backend';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { adapterSet, type CallOptions } from '../src/index.ts';

const rows = 32;
const length = 32;
const rounds = 9;

await tf.setBackend('wasm');
const config = {
  model_type: 'bert',
  architectures: ['BertForSequenceClassification'],
  vocab_size: 2000,
  hidden_size: 256,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  intermediate_size: 1024,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-12,
  max_position_embeddings: 64,
  type_vocab_size: 2,
  num_labels: 2,
  initializer_range: 0.02,
};
const model = bert(config, freshBertWeights(config, 1)) as AnyModel;
const columns = {
  inputIds: hostArray(
    Int32Array.from({ length: rows * length }, (_, i) => (i * 37) % 2000),
    [rows, length],
  ),
  attentionMask: hostArray(new Int32Array(rows * length).fill(1), [rows, length]),
  tokenTypeIds: hostArray(new Int32Array(rows * length), [rows, length]),
};
const labels = hostArray(Int32Array.from({ length: rows }, (_, row) => row % 2));
const engine = onnxEngine();
const set = adapterSet(model, { engine });
const names = ['a', 'b', 'c', 'd'];
for (const [seed, name] of names.entries()) {
  const { adapter, weights } = await fineTune(model, {
    strategy: lora({ rank: 8 }) as AnyStrategy,
    targets: ['query', 'key', 'value', 'dense'],
    loss: classification(),
    data: batches({ ...columns, labels }, { batchSize: rows }),
    steps: 1,
    optimizer: adamw(),
    schedule: 0.01,
    seed,
    progress: false,
    engine,
  }).result;
  weights.dispose();
  await set.add(name, adapter);
}

const turn = (choices: readonly (string | undefined)[]): CallOptions => ({
  rows: Array.from({ length: rows }, (_, row) => choices[row % choices.length]),
});
const cases: Readonly<Record<string, CallOptions>> = {
  base: { adapters: [] },
  'one adapter': { adapters: 'a' },
  'two adapters at once': { adapters: ['a', 'b'] },
  'rows of two': turn(['a', 'b']),
  'rows of four': turn(names),
  'rows of four and the base': turn([...names, undefined]),
};
const batch = Object.fromEntries(Object.entries(columns).map(([name, array]) => [name, toTensor(array)]));
const times: Record<string, { readonly wall: number; readonly cpu: number }[]> = {};
const time = async (name: string, run: () => Promise<unknown> | unknown) => {
  const [began, before] = [performance.now(), process.cpuUsage()];
  await run();
  const { user, system } = process.cpuUsage(before);
  times[name] ??= [];
  times[name].push({ wall: performance.now() - began, cpu: (user + system) / 1000 });
};
const eager = async (options: CallOptions) => {
  const output = set.apply(batch, options);
  await output.data();
  output.dispose();
};
const warmUp = 2;
await set.activate(['a', 'b']);
for (let round = 0; round < rounds + warmUp; round++) {
  if (round === warmUp) for (const name of Object.keys(times)) delete times[name];
  for (const [name, options] of Object.entries(cases)) {
    await time(`eager, ${name}`, () => eager(options));
    await time(`compiled, ${name}`, () => set.predict(columns, options));
  }
  for (const safe of [true, false]) {
    await time(`merge, ${safe ? 'safe' : 'unsafe'}`, () => set.merge({ safe }));
    if (!safe) {
      await time('eager, two adapters merged', () => eager({}));
      await time('compiled, two adapters merged, the first time', () => set.predict(columns));
      await time('compiled, two adapters merged', () => set.predict(columns));
    }
    await set.unmerge();
  }
}
const median = (values: readonly number[]) =>
  Number((values.toSorted((left, right) => left - right)[values.length >> 1] as number).toFixed(1));
const figures = Object.fromEntries(
  Object.entries(times).map(([name, each]) => [
    name,
    { wall: median(each.map(({ wall }) => wall)), cpu: median(each.map(({ cpu }) => cpu)) },
  ]),
);
console.table(figures);
const at = process.argv.indexOf('--out');
if (at > 0) writeFileSync(process.argv[at + 1] as string, JSON.stringify(figures, undefined, 2));
await set.dispose();
engine.dispose();
