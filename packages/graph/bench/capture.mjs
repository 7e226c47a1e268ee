// How long a training step takes to capture, rewrite and write as ONNX, and how many nodes are left: a ViT of BERT-base's
// depth, LoRA on query and value. Widths hardly matter, since nothing is computed. node bench/capture.mjs [layers], after
// a build. Processor time, since wall time would count what else the machine does; the first of ten turns and their
// median: the first compiles the JavaScript.
import { adamw, batches, classification, fineTune, hostArray } from '@peft/core';
import { capture, estimateMemory, runPasses, toOnnx } from '@peft/graph';
import { lora } from '@peft/lora';
import { freshVitWeights, vit } from '@peft/models';
import * as tf from '@tensorflow/tfjs';

const layers = Number(process.argv[2] ?? 12);
await tf.setBackend('cpu');

const config = {
  hidden_size: 96,
  num_hidden_layers: layers,
  num_attention_heads: 12,
  intermediate_size: 384,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-12,
  image_size: 32,
  patch_size: 4,
  num_channels: 3,
  num_labels: 10,
};
const model = vit(config, freshVitWeights(config, 1));
const parameters = Object.fromEntries(model.weights.paths.map((path) => [path, model.weights.get(path).data]));

const median = (times) => times.toSorted((a, b) => a - b)[times.length >> 1];
const timed = (times, run) => {
  const start = process.cpuUsage();
  const result = run();
  const { user, system } = process.cpuUsage(start);
  times.push((user + system) / 1000);
  return result;
};

function measure(run, inputs) {
  const times = { capture: [], passes: [], onnx: [] };
  let graphs;
  for (let turn = 0; turn < 10; turn++) {
    const raw = timed(times.capture, () => capture(run, { inputs, parameters }));
    const rewritten = timed(times.passes, () => runPasses(raw));
    const onnx = timed(times.onnx, () => toOnnx(rewritten, { weights: 'inputs' }));
    graphs = { raw, rewritten, onnx };
  }
  for (const [name, each] of Object.entries(times)) {
    console.log(`${name}: first ${each[0].toFixed(0)} ms, median ${median(each).toFixed(0)} ms`);
  }
  const { raw, rewritten, onnx } = graphs;
  console.log(`nodes: ${raw.nodes.length} captured, ${rewritten.nodes.length} after the passes`);
  const peaks = [raw, rewritten].map((graph) => (estimateMemory(graph).peak / 2 ** 20).toFixed(1));
  console.log(`peak of results: ${peaks[0]} MiB captured, ${peaks[1]} MiB after the passes`);
  console.log(`ONNX model without weights: ${(onnx.model.length / 1024).toFixed(0)} KiB`);
}

class Measured extends Error {}

/** An engine that measures the step it is given instead of running it. */
const engine = {
  name: 'measure',
  async compile({ train }) {
    let state;
    return {
      bind: async (next) => {
        state = next;
      },
      run: async (_, inputs) => {
        const upload = (tree) =>
          Object.fromEntries(
            Object.entries(tree).map(([key, value]) => {
              if (typeof value === 'number') return [key, { shape: [], dtype: 'float32' }];
              return [key, ArrayBuffer.isView(value.data) ? { shape: value.shape, dtype: value.dtype } : upload(value)];
            }),
          );
        measure((all) => train(all.state, all.inputs), { state, inputs: upload(inputs) });
        throw new Measured();
      },
      state: async () => state,
      release: async () => state,
      dispose: () => {},
    };
  },
};

const examples = 8;
try {
  await fineTune(model, {
    strategy: lora({ rank: 8 }),
    targets: ['query', 'value'],
    modulesToSave: ['classifier'],
    loss: classification(),
    data: batches(
      {
        pixelValues: hostArray(new Float32Array(examples * 3 * 32 * 32), [examples, 3, 32, 32]),
        labels: hostArray(new Int32Array(examples)),
      },
      { batchSize: examples },
    ),
    steps: 1,
    optimizer: adamw(),
    schedule: 1e-3,
    maxGradientNorm: 1,
    seed: 1,
    progress: false,
    onWarning: () => {},
    engine,
  }).result;
} catch (error) {
  if (!(error instanceof Measured)) throw error;
}
