import '@tensorflow/tfjs-backend-wasm';
import { adaptedAt, fold, hostArray, Weights } from '@peft/core';
import { normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { freshVitWeights } from './freshVitWeights.ts';
import { type VitBatch, vit } from './vit.ts';

const config = {
  hidden_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 12,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-6,
  image_size: 4,
  patch_size: 2,
  num_channels: 1,
  num_labels: 3,
};

beforeAll(async () => {
  await tf.setBackend('wasm');
});

function logitsOf(model: ReturnType<typeof vit>, batch: VitBatch): tf.Tensor {
  return model.apply(batch, adaptedAt({ weights: model.weights, modules: model.targets }));
}

test('an image has the same logits alone as in a batch', () => {
  const model = vit(config, freshVitWeights(config, 3));
  tf.tidy(() => {
    const pixelValues = tf.tensor4d(normals(1, 5 * 16), [5, 1, 4, 4]);
    const together = logitsOf(model, { pixelValues }).arraySync() as number[][];
    const alone = tf
      .split(pixelValues, 5)
      .map((one) => (logitsOf(model, { pixelValues: one }).arraySync() as number[][])[0]);
    for (const [index, row] of together.entries()) {
      for (const [label, value] of row.entries()) expect(alone[index]?.[label]).toBeCloseTo(value, 6);
    }
  });
});

test('a forward pass leaves nothing behind but its logits', () => {
  const model = vit(config, freshVitWeights(config, 3));
  const pixelValues = tf.zeros([2, 1, 4, 4]);
  tf.tidy(() => void logitsOf(model, { pixelValues }));
  const before = tf.memory().numTensors;
  const logits = tf.tidy(() => logitsOf(model, { pixelValues }));
  expect(tf.memory().numTensors).toBe(before + 1);
  tf.dispose([logits, pixelValues]);
  model.weights.dispose();
});

test.each([
  ['no column', {}, 'the batch has no column "pixelValues"; a ViT reads float32 [images, 1, 4, 4] from it.'],
  [
    'three axes',
    { pixelValues: () => tf.zeros([2, 4, 4]) },
    'batch column "pixelValues" is float32 [2, 4, 4]; this ViT reads float32 [images, 1, 4, 4].',
  ],
  [
    'another size',
    { pixelValues: () => tf.zeros([2, 1, 4, 6]) },
    'batch column "pixelValues" is float32 [2, 1, 4, 6]; this ViT reads float32 [images, 1, 4, 4].',
  ],
  [
    'whole numbers',
    { pixelValues: () => tf.zeros([2, 1, 4, 4], 'int32') },
    'batch column "pixelValues" is int32 [2, 1, 4, 4]; this ViT reads float32 [images, 1, 4, 4].',
  ],
])('a batch with %s is refused', (_, columns: { pixelValues?: () => tf.Tensor }, message) => {
  const model = vit(config, freshVitWeights(config, 3));
  tf.tidy(() => {
    const batch = { ...(columns.pixelValues && { pixelValues: columns.pixelValues() }) } as VitBatch;
    expect(() => logitsOf(model, batch)).toThrow(expect.objectContaining({ code: 'model/batch', message }));
  });
});

test('weights that are not the model’s are refused, all at once', () => {
  const fresh = freshVitWeights(config, 3);
  const weights = new Weights([
    ...fresh.paths
      .filter((path) => path !== 'vit.layernorm.bias')
      .map(
        (path) =>
          [path, path === 'classifier.weight' ? hostArray(new Float32Array(24), [3, 8]) : fresh.get(path)] as const,
      ),
    ['classifier.scale', hostArray([1])],
  ]);
  expect(() => vit(config, weights)).toThrow(
    expect.objectContaining({
      code: 'model/weights',
      message:
        '3 weights do not fit the model that the config describes; pass weights [in, out] of that model:\n' +
        '  vit.layernorm.bias is missing\n' +
        '  classifier.scale is not a parameter of this model\n' +
        '  classifier.weight is [3,8], expected [8,3]',
    }),
  );
});

test('fresh weights: biases zero, norm gains one, matrices of the deviation asked for, each from a seed of its own', () => {
  const wide = { ...config, hidden_size: 64, initializer_range: 0.05 };
  const weights = freshVitWeights(wide, 3);
  const values = (path: string) => weights.get(path).data as Float32Array;
  expect(new Set(values('classifier.bias'))).toEqual(new Set([0]));
  expect(new Set(values('vit.layernorm.weight'))).toEqual(new Set([1]));
  const query = values('vit.encoder.layer.0.attention.attention.query.weight');
  const deviation = Math.sqrt(query.reduce((sum, value) => sum + value * value, 0) / query.length);
  expect(deviation).toBeGreaterThan(0.048);
  expect(deviation).toBeLessThan(0.052);
  expect(query).not.toEqual(values('vit.encoder.layer.0.attention.attention.key.weight'));
  const path = 'vit.encoder.layer.0.output.dense.weight';
  expect(values(path)).toEqual(normals(fold(3, path), 12 * 64).map((value) => value * 0.05));
});
