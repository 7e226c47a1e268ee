import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { capture } from '../capture/capture.ts';
import { Message } from './protobuf.ts';
import { toOnnx } from './toOnnx.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('protobuf', () => {
  const hex = (message: Message) => Buffer.from(message.encode()).toString('hex');

  it('writes what the encoding guide shows', () => {
    expect(hex(new Message().integer(1, 150))).toBe('089601');
    expect(hex(new Message().text(2, 'testing'))).toBe('120774657374696e67');
    expect(hex(new Message().message(3, new Message().integer(1, 150)))).toBe('1a03089601');
    expect(hex(new Message().integers(6, [3, 270, 86942]))).toBe('3206038e029ea705');
    expect(hex(new Message().float(1, 1.5))).toBe('0d0000c03f');
    expect(hex(new Message().integer(1, -1))).toBe('08ffffffffffffffffff01');
    expect(hex(new Message().integer(1, 2 ** 40))).toBe('08808080808020');
    expect(hex(new Message())).toBe('');
  });
});

const x = { shape: [2, 3], dtype: 'float32' } as const;

describe('toOnnx', () => {
  const frozen = Float32Array.from({ length: 21 }, (_, index) => index + 0.5);

  function layer() {
    const bias = tf.tensor1d([1, 2, 3, 4, 5, 6, 7]);
    const run = ({ x: each }: { x: tf.Tensor }) => ({
      x: tf.add(tf.matMul(each as tf.Tensor2D, tf.tensor2d(frozen, [3, 7])), bias),
      same: each,
    });
    return { bias, graph: capture(run, { inputs: { x }, parameters: { 'layer.weight': frozen } }) };
  }

  it('names values as the graph does, and anew where a name is taken', () => {
    const { bias, graph } = layer();
    const { inputs, parameters, outputs, external } = toOnnx(graph, { weights: 'inputs' });
    expect(inputs).toEqual([{ name: 'x', onnxName: 'x', ...x }]);
    expect(parameters.map(({ onnxName, source }) => [onnxName, source])).toEqual([
      ['layer.weight', frozen],
      ['parameter1', bias],
    ]);
    expect(outputs.map(({ name, onnxName }) => [name, onnxName])).toEqual([
      ['x', 'x.1'],
      ['same', 'same'],
    ]);
    expect(external).toBeUndefined();
    bias.dispose();
  });

  it('holds weights inside, where they are asked for, or lays them out for a file in steps of 64 bytes', () => {
    const { bias, graph } = layer();
    const sizes = (['inputs', 'inside', 'external'] as const).map((weights) => {
      const { model, parameters, external } = toOnnx(graph, { weights, file: 'layer.bin' });
      if (weights !== 'inputs') expect(parameters).toEqual([]);
      const text = Buffer.from(model).toString('latin1');
      const bytes = Buffer.from(frozen.buffer).toString('latin1');
      expect([text.includes(bytes), text.includes('layer.bin')]).toEqual([
        weights === 'inside',
        weights === 'external',
      ]);
      return external?.chunks.map(({ length }) => length);
    });
    expect(sizes).toEqual([undefined, undefined, [84, 44, 28, 36]]);
    const [chunk] = toOnnx(graph, { weights: 'external' }).external?.chunks ?? [];
    expect(chunk?.buffer).toBe(frozen.buffer);
    bias.dispose();
  });

  it('is the same for the same graph', () => {
    const models = [layer(), layer()].map(({ bias, graph }) => {
      bias.dispose();
      return toOnnx(graph, { weights: 'inputs' }).model;
    });
    expect(models[0]).toEqual(models[1]);
  });
});
