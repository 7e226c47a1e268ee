import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openSafetensors } from '@peft/checkpoint';
import type { HostArray } from '@peft/core';

/** The path of a file or folder that fixtures/python/vit.py wrote. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../src/__fixtures__/${name}`, import.meta.url));
}

/** The files of a fixture folder, by name, to be changed before they are loaded. */
export function fixtureFiles(name: string): { 'config.json': Uint8Array; 'model.safetensors': Uint8Array } {
  const read = (file: string) => new Uint8Array(readFileSync(fixture(`${name}/${file}`)));
  return { 'config.json': read('config.json'), 'model.safetensors': read('model.safetensors') };
}

/** Every tensor of a safetensors file, and its metadata. */
export async function readTensors(path: string) {
  const { tensors, metadata } = await openSafetensors(path);
  const read = await Promise.all([...tensors].map(async ([name, tensor]) => [name, await tensor.read()] as const));
  return { tensors: new Map<string, HostArray>(read), metadata };
}

/** What Python computed on a fixture's model. */
export async function golden(name: string) {
  const { tensors, metadata } = await readTensors(fixture(`${name}/golden.safetensors`));
  const get = (key: string): HostArray => {
    const found = tensors.get(key);
    if (!found) throw new Error(`the golden file of ${name} has no ${key}`);
    return found;
  };
  return { get, keys: [...tensors.keys()], scaling: Number(metadata?.scaling) };
}
