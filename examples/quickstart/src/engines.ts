import { type Engine, eagerEngine } from '@peft/core';
import { onnxEngine } from '@peft/onnx-backend';

export const engineNames = ['onnx', 'eager'] as const;

export type EngineName = (typeof engineNames)[number];

/** The engine of one worker: every worker trains on one core. */
export function engineOf(name: EngineName): Engine {
  return name === 'onnx' ? onnxEngine({ threads: 1 }) : eagerEngine();
}

/** The engine that this machine has, and what to say of it. */
export async function availableEngine(name: EngineName): Promise<{ readonly name: EngineName; readonly text: string }> {
  if (name === 'eager') return { name, text: 'TensorFlow.js, operation by operation' };
  const engine = onnxEngine({ threads: 1 });
  const { runtime, version } = await engine.describe();
  engine.dispose();
  if (runtime === 'eager') return availableEngine('eager');
  return { name, text: `compiled for ONNX Runtime ${version} (${runtime})` };
}
