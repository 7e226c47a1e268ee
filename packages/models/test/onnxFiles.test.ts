import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportOnnx } from '@peft/checkpoint';
import {
  type AnyModel,
  type AnyStrategy,
  adamw,
  adaptedAt,
  attach,
  batches,
  causalLanguageModeling,
  classification,
  type FineTuneOptions,
  fineTune,
  type HostArray,
  hostArray,
  type TrainedAdapter,
} from '@peft/core';
import { requireClose } from '@peft/core/testing';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  bert,
  freshBertWeights,
  freshGpt2Weights,
  freshLlamaWeights,
  freshOptWeights,
  freshVitWeights,
  gpt2,
  llama,
  opt,
  vit,
} from '../src/index.ts';

/** Set, it names a folder that receives every file and what it gives, for fixtures/python/onnx_graphs.py. */
const kept = process.env.PEFT_ONNX_CASES;
let folder = '';

beforeAll(async () => {
  await tf.setBackend('cpu');
  folder = kept ?? (await mkdtemp(join(tmpdir(), 'onnx-files-')));
});

afterAll(async () => {
  if (!kept) await rm(folder, { recursive: true, force: true });
});

const text = {
  vocab_size: 60,
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  intermediate_size: 24,
  hidden_act: 'gelu',
  max_position_embeddings: 40,
  type_vocab_size: 2,
  layer_norm_eps: 1e-12,
  initializer_range: 0.4,
  num_labels: 3,
};
const image = {
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 24,
  hidden_act: 'gelu_new',
  layer_norm_eps: 1e-6,
  image_size: 8,
  patch_size: 4,
  num_channels: 3,
  num_labels: 5,
  initializer_range: 0.4,
};
const bertOf = (architecture: string) => () => {
  const config = { ...text, architectures: [architecture] };
  return bert(config, freshBertWeights(config, 4));
};

const gpt2Of = (architecture: string) => () => {
  const config = {
    ...{ vocab_size: 60, n_embd: 16, n_layer: 2, n_head: 4, n_positions: 40, activation_function: 'gelu_new' },
    ...{ layer_norm_epsilon: 1e-5, initializer_range: 0.4, num_labels: 3, pad_token_id: 59 },
    architectures: [architecture],
  };
  return gpt2(config, freshGpt2Weights(config, 4));
};
const llamaOf = (architecture: string) => () => {
  const config = {
    ...{ vocab_size: 60, hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2 },
    ...{ intermediate_size: 24, max_position_embeddings: 40, initializer_range: 0.4, num_labels: 3, pad_token_id: 1 },
    architectures: [architecture],
  };
  return llama(config, freshLlamaWeights(config, 4));
};
const optOf = (architecture: string) => () => {
  const config = {
    ...{ vocab_size: 60, hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 4, ffn_dim: 24 },
    ...{ max_position_embeddings: 40, activation_function: 'relu', init_std: 0.4, num_labels: 3, pad_token_id: 1 },
    architectures: [architecture],
  };
  return opt(config, freshOptWeights(config, 4));
};

const models: Readonly<Record<string, () => unknown>> = {
  'BERT classification': bertOf('BertForSequenceClassification'),
  'BERT masked language': bertOf('BertForMaskedLM'),
  'BERT encoder': bertOf('BertModel'),
  'GPT-2 language': gpt2Of('GPT2LMHeadModel'),
  'GPT-2 classification': gpt2Of('GPT2ForSequenceClassification'),
  'Llama language': llamaOf('LlamaForCausalLM'),
  'Llama classification': llamaOf('LlamaForSequenceClassification'),
  'OPT language': optOf('OPTForCausalLM'),
  'OPT classification': optOf('OPTForSequenceClassification'),
  ViT: () => vit(image, freshVitWeights(image, 4)),
};

const runs = [
  { batch: 1, sequence: 1 },
  { batch: 3, sequence: 17 },
  { batch: 8, sequence: 40 },
];

/** Deterministic values for every input of a model; masks hide the end of each second row. */
function batchOf({ inputs = {} }: AnyModel, sizes: Readonly<Record<string, number>>): Record<string, tf.Tensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { dtype, shape }]) => {
      const dims = shape.map((size) => (typeof size === 'string' ? (sizes[size] as number) : size));
      const length = dims[1] as number;
      const values = Array.from({ length: tf.util.sizeFromShape(dims) }, (_, index) => {
        if (dtype === 'float32') return ((index * 37) % 101) / 50 - 1;
        const [row, column] = [Math.floor(index / length), index % length];
        if (name === 'attentionMask') return Number(row % 2 === 0 || column <= length / 2);
        return name === 'tokenTypeIds' ? Number(column > length / 3) : (row * 7 + column * 13) % 60;
      });
      return [name, tf.tensor(values, dims, dtype)];
    }),
  );
}

async function expectEager(model: AnyModel, file: string, eager: (batch: Record<string, tf.Tensor>) => tf.Tensor) {
  const session = await InferenceSession.create(join(folder, file));
  for (const sizes of runs) {
    const batch = batchOf(model, sizes);
    const feeds = Object.fromEntries(
      Object.entries(batch).map(([name, each]) => [
        name,
        new Tensor(each.dtype as 'int32', each.dataSync<'int32'>(), each.shape),
      ]),
    );
    const { logits } = await session.run(feeds);
    const expected = tf.tidy(() => eager(batch));
    expect(logits?.dims).toEqual(expected.shape);
    requireClose(logits?.data as Float32Array, expected.dataSync(), { what: file, tolerance: 2e-6 });
    if (kept) await keep(file, { sizes, batch, expected });
    tf.dispose([batch, expected]);
  }
}

interface Kept {
  readonly sizes: Readonly<Record<string, number>>;
  readonly batch: Readonly<Record<string, tf.Tensor>>;
  readonly expected: tf.Tensor;
}

async function keep(file: string, { sizes, batch, expected }: Kept): Promise<void> {
  const value = (name: string, { shape, dtype, ...tensor }: tf.Tensor) => ({
    name,
    onnxName: name,
    shape,
    dtype,
    ...tensor,
  });
  const inputs = Object.entries(batch).map(([name, each]) => ({ ...value(name, each), data: [...each.dataSync()] }));
  const outputs = [{ ...value('logits', expected), data: [...expected.dataSync()] }];
  const name = `${file.replace('.onnx', '')}-${Object.values(sizes).join('x')}-sizes.json`;
  await writeFile(join(folder, name), JSON.stringify({ model: file, isStep: true, inputs, outputs }));
}

async function trained(
  model: AnyModel,
  { labels, ...changes }: Partial<FineTuneOptions> & { readonly labels?: HostArray } = {},
): Promise<{ adapter: TrainedAdapter; dispose(): void }> {
  const columns = batchOf(model, { batch: 4, sequence: 6 });
  const data = Object.entries(columns).map(([name, each]) => {
    return [name, hostArray(each.dataSync<'int32'>(), each.shape)] as const;
  });
  tf.dispose(columns);
  return fineTune(model, {
    strategy: lora({ rank: 2 }) as AnyStrategy,
    targets: ['query', 'value'],
    loss: classification(),
    data: batches(
      { ...Object.fromEntries(data), labels: labels ?? hostArray(Int32Array.of(0, 1, 2, 0)) },
      { batchSize: 4 },
    ),
    steps: 3,
    optimizer: adamw(),
    schedule: 0.05,
    seed: 3,
    progress: false,
    onWarning: () => {},
    ...changes,
  }).result;
}

it.each(Object.entries(models))('%s, any batch size and length', async (name, make) => {
  const model = make() as AnyModel;
  const file = `${name.replaceAll(' ', '-')}.onnx`;
  await exportOnnx(model, join(folder, file), { weights: 'external' });
  const at = adaptedAt({ weights: model.weights, modules: model.targets });
  await expectEager(model, file, (batch) => model.apply(batch, at));
  model.weights.dispose();
});

const rowsToo = {
  targets: ['c_attn'],
  trainableTokens: [3, 10, 59],
  loss: causalLanguageModeling(),
  labels: hostArray(
    Int32Array.from({ length: 24 }, (_, index) => (index * 5) % 60),
    [4, 6],
  ),
};

it.each([
  ['BERT classification', {}],
  ['ViT', {}],
  ['GPT-2 language', rowsToo],
] as const)('%s with LoRA, merged and beside', async (name, changes) => {
  const model = models[name]?.() as AnyModel;
  const { adapter, dispose } = await trained(model, changes);
  const adapted = await attach(model, adapter);
  for (const merge of [true, false]) {
    const file = `${name.replaceAll(' ', '-')}-${merge ? 'merged' : 'beside'}.onnx`;
    await exportOnnx(model, join(folder, file), { adapter, merge });
    await expectEager(model, file, adapted.apply);
  }
  adapted.dispose();
  dispose();
  model.weights.dispose();
});
