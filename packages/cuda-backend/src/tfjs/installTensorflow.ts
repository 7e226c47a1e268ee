import type { TfjsMachine } from './tfjsMachine.ts';

/** The command that brings a TensorFlow with CUDA, in an environment of its own, and builds the addon against it. */
export function installTensorflow({ platform }: Pick<TfjsMachine, 'platform'>): string {
  if (platform === 'win32') return 'npm rebuild @tensorflow/tfjs-node-gpu';
  const python = '~/.peft-tensorflow/bin/python';
  return `python3 -m venv ~/.peft-tensorflow && ${python} -m pip install 'tensorflow[and-cuda]' && npx peft-cuda build-tfjs --python ${python}`;
}
