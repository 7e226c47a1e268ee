import {
  type AnyModel,
  adaptedAt,
  attach,
  type BatchInput,
  hostArray,
  isPeftError,
  leavesOf,
  mergeAdapter,
  PeftError,
  rowTensors,
  type TrainedAdapter,
  toFloat32,
  Weights,
} from '@peft/core';
import { capture, type DynamicOnnxModel, type DynamicOnnxOptions, toDynamicOnnx } from '@peft/graph';
import type * as tf from '@tensorflow/tfjs';
import { problemList, quoted } from '../problemList.ts';

export interface ModelToOnnxOptions extends Pick<DynamicOnnxOptions, 'captures' | 'file'> {
  /** What the file takes: the model's own `inputs` unless given. A size that may change is a name, as ['batch', 'sequence']. */
  readonly inputs?: Readonly<Record<string, BatchInput>>;
  /** Written into the weights, or kept beside them where `merge` is false. */
  readonly adapter?: TrainedAdapter;
  readonly merge?: boolean;
  /** 'inside' the model up to 1 GB, else 'external': in a file beside it. */
  readonly weights?: 'inside' | 'external';
  /** Name of the output; logits unless given. */
  readonly output?: string;
}

type Sizes = NonNullable<ModelToOnnxOptions['captures']>[number];

/** Bytes of weights that still go inside; protobuf ends at 2 GB. */
const mostInside = 2 ** 30;

/**
 * A model's inference as an ONNX model that takes every size of the named dimensions of its inputs.
 * @throws PeftError `checkpoint/onnx`, `model/fingerprint`; GraphError `graph/dynamic`
 */
export async function modelToOnnx(model: AnyModel, options: ModelToOnnxOptions = {}): Promise<DynamicOnnxModel> {
  const { inputs = model.inputs ?? {}, adapter, merge = true, captures, file, output = 'logits' } = options;
  requireInputs(inputs);
  const source = adapter && (merge ? await mergeAdapter(model, adapter) : (await attach(model, adapter)).weights);
  const weights = widened(source ?? model.weights);
  try {
    const arrays = weights.paths.map((path) => [path, weights.get(path).data as Float32Array] as const);
    const parameters = { ...Object.fromEntries(arrays), ...(adapter && !merge ? tensorsBeside(adapter) : {}) };
    const attached = adapter && !merge ? adapter : {};
    const run = (batch: Readonly<Record<string, tf.Tensor>>) => ({
      [output]: model.apply(batch, adaptedAt({ ...attached, weights, modules: model.targets })),
    });
    const bytes = arrays.reduce((sum, [, { byteLength }]) => sum + byteLength, 0);
    const captureAt = (sizes: Sizes) =>
      sayingCaptures(sizes, () => capture(run as never, { inputs: sized(inputs, sizes), parameters }));
    return toDynamicOnnx(captureAt, {
      dimensions: dimensionsOf(inputs),
      weights: options.weights ?? (bytes > mostInside ? 'external' : 'inside'),
      ...(captures && { captures }),
      ...(file !== undefined && { file }),
    });
  } finally {
    source?.dispose();
  }
}

/** What a model says of a batch of sizes that nobody chose names the option that chooses them. */
function sayingCaptures<T>(sizes: Sizes, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (!isPeftError(cause) || cause.code !== 'model/batch') throw cause;
    const said = Object.entries(sizes).map(([name, size]) => `${name} ${size}`);
    const example = Object.keys(sizes).map((name, index) => `${name}: ${index + 2}`);
    throw new PeftError(
      'checkpoint/onnx',
      `the model cannot be captured at ${said.join(', ')}; give three or more sets of sizes that it takes, as captures: [{ ${example.join(', ')} }, ...]. It says: ${cause.message}`,
      { cause },
    );
  }
}

/** The same weights with every float in 32 bits: what is one already is shared. */
function widened(weights: Weights): Weights {
  return new Weights(
    weights.paths.map((path) => {
      const array = weights.get(path);
      const isNarrow = array.dtype !== 'float32' && array.dtype.includes('float');
      return [path, isNarrow ? hostArray(toFloat32(array), array.shape) : array] as const;
    }),
  );
}

/** Names of an adapter's tensors in the file. */
function tensorsBeside({ adapter, trained, tokenRows }: TrainedAdapter): Record<string, tf.Tensor> {
  const rows = Object.fromEntries(
    Object.entries(rowTensors(tokenRows)).map(([table, values]) => [`tokenRows/${table}`, values]),
  );
  const leaves = leavesOf({ params: adapter.params, state: adapter.state }).filter(
    ([, leaf]) => typeof leaf !== 'number',
  );
  return {
    ...Object.fromEntries(leaves.map(([path, leaf]) => [`adapter/${path}`, leaf as tf.Tensor])),
    ...trained,
    ...rows,
  };
}

function dimensionsOf(inputs: Readonly<Record<string, BatchInput>>): readonly string[] {
  const names = Object.values(inputs).flatMap(({ shape }) => shape.filter((size) => typeof size === 'string'));
  return [...new Set(names)];
}

function sized(inputs: Readonly<Record<string, BatchInput>>, sizes: Readonly<Record<string, number>>) {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { dtype, shape }]) => [
      name,
      { dtype, shape: shape.map((size) => (typeof size === 'string' ? (sizes[size] as number) : size)) },
    ]),
  );
}

function requireInputs(inputs: Readonly<Record<string, BatchInput>>): void {
  const entries = Object.entries(inputs);
  const wrong = entries.flatMap(([name, { shape }]) =>
    shape
      .filter((size) => (typeof size === 'number' ? !Number.isInteger(size) || size < 1 : !/^[A-Za-z_]\w*$/.test(size)))
      .map((size) => `input ${quoted(name)} has the size ${typeof size === 'string' ? quoted(size) : size}`),
  );
  if (entries.length === 0) {
    throw new PeftError(
      'checkpoint/onnx',
      "the model does not say which inputs it reads; pass them, as inputs: { inputIds: { dtype: 'int32', shape: ['batch', 'sequence'] } }.",
    );
  }
  if (wrong.length === 0) return;
  throw new PeftError(
    'checkpoint/onnx',
    `a size of an input is a whole number above 0, or the name of a dimension that may change; correct these:${problemList(wrong)}`,
  );
}
