import { type Engine, eagerEngine } from '@peft/core';
import { cudaEngine } from '@peft/cuda-backend';
import { onnxEngine } from '@peft/onnx-backend';

export const engineNames = ['onnx', 'cuda', 'eager'] as const;

export type EngineName = (typeof engineNames)[number];

/** The engine of one worker: every worker trains on one core, and all of them on one GPU. */
export function engineOf(name: EngineName): Engine {
  if (name === 'cuda') return cudaEngine();
  return name === 'onnx' ? onnxEngine({ threads: 1 }) : eagerEngine();
}

/** The engine that this machine has, and what to say of it. */
export async function availableEngine(name: EngineName): Promise<{ readonly name: EngineName; readonly text: string }> {
  if (name === 'eager') return { name, text: 'TensorFlow.js, operation by operation' };
  if (name === 'cuda') return { name, text: await cudaText() };
  const engine = onnxEngine({ threads: 1 });
  const { runtime, version } = await engine.describe();
  engine.dispose();
  if (runtime === 'eager') return availableEngine('eager');
  return { name, text: `compiled for ONNX Runtime ${version} (${runtime})` };
}

async function cudaText(): Promise<string> {
  const engine = cudaEngine();
  const { name, driverVersion, precision } = await engine.describe();
  engine.dispose();
  return `CUDA graphs on ${name} (CUDA ${driverVersion}, ${precision})`;
}
