import { gelu, geluTanh } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';

/** The activations a layer may have: GELU by the error function (exact) or by its tanh approximation, and ReLU. */
export type Activation = 'gelu' | 'geluTanh' | 'relu';

/** By the names of config.json. */
export const activationNames: Readonly<Record<string, Activation>> = {
  gelu: 'gelu',
  gelu_fast: 'geluTanh',
  gelu_new: 'geluTanh',
  gelu_pytorch_tanh: 'geluTanh',
  relu: 'relu',
};

/** The activation as a function, elementwise. */
export const activations: Readonly<Record<Activation, (x: tf.Tensor) => tf.Tensor>> = { gelu, geluTanh, relu: tf.relu };
