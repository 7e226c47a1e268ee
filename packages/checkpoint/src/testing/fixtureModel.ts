import { readFileSync } from 'node:fs';
import { type AnyModel, type HostArray, type Target, Weights } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { byteSource } from '../byteSource.ts';
import { swapAxes } from '../modelFolder/swapAxes.ts';
import { openSafetensors } from '../safetensors/openSafetensors.ts';

const folder = new URL('../adapterFolder/__fixtures__/', import.meta.url);

/** The path of a file or folder among the fixtures. */
export function fixturePath(name: string): string {
  return new URL(name, folder).pathname;
}

const targets: readonly Target[] = [
  { path: 'embed', kind: 'embedding', shape: [7, 6] },
  { path: 'head', kind: 'dense', shape: [6, 3] },
  { path: 'layer.0.query', kind: 'dense', shape: [6, 6] },
  { path: 'layer.1.query', kind: 'dense', shape: [6, 6] },
];

/** The tiny model of fixtures/python/tiny_model.py, from base.safetensors. */
export async function fixtureModel(): Promise<AnyModel> {
  const source = byteSource('base.safetensors', new Uint8Array(readFileSync(new URL('base.safetensors', folder))));
  const { tensors } = await openSafetensors(source);
  const arrays = [...tensors].map(async ([path, tensor]): Promise<[string, HostArray]> => {
    const array = await tensor.read();
    const isLinear = path.endsWith('.weight') && path !== 'embed.weight';
    return [path, isLinear ? swapAxes(array, array.shape[0] as number, array.shape[1] as number) : array];
  });
  return {
    targets,
    outputHead: ['head'],
    weights: new Weights(await Promise.all(arrays)),
    apply(batch, at) {
      let hidden = at.embedding('embed', batch.ids as tf.Tensor);
      for (const path of ['layer.0.query', 'layer.1.query']) hidden = tf.add(hidden, tf.tanh(at.linear(path, hidden)));
      return at.linear('head', hidden);
    },
  };
}
