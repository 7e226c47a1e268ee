import { type Composition, operation } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';

/** One leaf and its averages; the rates are 0-d. */
export type ImportanceLeaf = {
  readonly param: tf.Tensor;
  readonly grad: tf.Tensor;
  readonly sensitivity: tf.Tensor;
  readonly uncertainty: tf.Tensor;
  readonly sensitivityRate: tf.Tensor;
  readonly uncertaintyRate: tf.Tensor;
};

type Update = Composition<keyof ImportanceLeaf, Record<string, never>, tf.Tensor[]>;

/** Values of a leaf below which wasm is faster without its ten kernels, as for AdamW. */
const few = 4096;

const composition: Update = ({ param, grad, sensitivity, uncertainty, sensitivityRate, uncertaintyRate }) => {
  const importance = tf.abs(tf.mul(param, grad));
  const mean = towards(sensitivity, importance, sensitivityRate);
  const distance = tf.abs(tf.sub(importance, mean));
  return [mean, towards(uncertainty, distance, uncertaintyRate)];
};

const onHost: Update = (inputs) => {
  const read = (name: keyof ImportanceLeaf) => inputs[name].dataSync<'float32'>();
  const [params, grads, means, distances] = [read('param'), read('grad'), read('sensitivity'), read('uncertainty')];
  const meanRate = read('sensitivityRate')[0] as number;
  const distanceRate = read('uncertaintyRate')[0] as number;
  const sensitivity = new Float32Array(params.length);
  const uncertainty = new Float32Array(params.length);
  for (let index = 0; index < params.length; index++) {
    const importance = Math.abs((params[index] as number) * (grads[index] as number));
    const old = means[index] as number;
    const mean = old + meanRate * (importance - old);
    const spread = distances[index] as number;
    sensitivity[index] = mean;
    uncertainty[index] = spread + distanceRate * (Math.abs(importance - mean) - spread);
  }
  const { shape } = inputs.param;
  return [tf.tensor(sensitivity, shape), tf.tensor(uncertainty, shape)];
};

const update: Update = operation({
  name: 'PeftImportance',
  compose: composition,
  onBackend: {
    cpu: onHost,
    wasm: (inputs, attributes) => (inputs.param.size < few ? onHost : composition)(inputs, attributes),
  },
});

/** The averages of a leaf after a step: of |w g|, and of its distance from the first average as it is then. */
export function importanceUpdate(leaf: ImportanceLeaf): {
  readonly sensitivity: tf.Tensor;
  readonly uncertainty: tf.Tensor;
} {
  const [sensitivity, uncertainty] = update(leaf, {}) as [tf.Tensor, tf.Tensor];
  return { sensitivity, uncertainty };
}

function towards(average: tf.Tensor, value: tf.Tensor, rate: tf.Tensor): tf.Tensor {
  return tf.add(average, tf.mul(rate, tf.sub(value, average)));
}
