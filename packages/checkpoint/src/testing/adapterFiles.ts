import { type HostArray, hostArray, isPeftError } from '@peft/core';
import { writeSafetensors } from '../safetensors/writeSafetensors.ts';

/** An array that counts in eighths from -1. */
export function counting(...shape: readonly number[]): HostArray {
  const size = shape.reduce((total, length) => total * length, 1);
  return hostArray(
    Float32Array.from({ length: size }, (_, index) => index / 8 - 1),
    shape,
  );
}

/** The tensors of a LoRA pair on the tiny model of the fixtures, by the path of its module. */
export function loraPair(path: string, [fanIn, fanOut]: readonly [number, number], rank = 2) {
  return {
    [`base_model.model.${path}.lora_A.weight`]: counting(rank, fanIn),
    [`base_model.model.${path}.lora_B.weight`]: counting(fanOut, rank),
  };
}

/** The tensors of AdaLoRA triplets, as `loraPair`. */
export function adaloraTriplets(path: string, [fanIn, fanOut]: readonly [number, number], rank = 2) {
  return {
    [`base_model.model.${path}.lora_A`]: counting(rank, fanIn),
    [`base_model.model.${path}.lora_E`]: counting(rank, 1),
    [`base_model.model.${path}.lora_B`]: counting(fanOut, rank),
  };
}

/** The files of an adapter folder as a browser has them. */
export function adapterFiles(
  config: Readonly<Record<string, unknown>>,
  tensors: Readonly<Record<string, HostArray>>,
  metadata?: Readonly<Record<string, string>>,
) {
  return {
    'adapter_config.json': new TextEncoder().encode(JSON.stringify(config)),
    'adapter_model.safetensors': writeSafetensors(new Map(Object.entries(tensors)), metadata),
  };
}

/** Code and message of the PeftError that a promise is refused with. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  );
  if (!isPeftError(error)) throw error;
  return `${error.code}: ${error.message}`;
}
