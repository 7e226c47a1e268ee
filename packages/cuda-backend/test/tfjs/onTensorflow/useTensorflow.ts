import { appendFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { afterAll } from 'vitest';
import { tfjsGpu } from '../../../src/tfjs/tfjsGpu.ts';

const { PEFT_TENSORFLOW_ADDON: addon, PEFT_TENSORFLOW_COUNT: countFile = '' } = process.env;
const { tensorflow } = await tfjsGpu({ addon, allowCpu: true, onWarning: () => {} });

// A test chooses its backend by name; whatever computes gives way to TensorFlow, what captures does not.
const engine = tf.engine();
const setBackend = engine.setBackend.bind(engine);
engine.setBackend = (name) => setBackend(['cpu', 'wasm'].includes(name) ? 'tensorflow' : name);

const backend = tf.backend() as unknown as {
  binding: { readonly executeOp: (...call: readonly unknown[]) => unknown };
};
const { executeOp } = backend.binding;
let operations = 0;
const counting = (...call: readonly unknown[]) => {
  operations++;
  return executeOp(...call);
};
backend.binding = Object.create(backend.binding, { executeOp: { value: counting } });

afterAll(() => appendFileSync(countFile, `${tensorflow} ${operations}\n`));
