import { type AnyModel, adaptedAt } from '@peft/core';
import { capture, runPasses, type TypedArray, toDynamicOnnx, toOnnx } from '@peft/graph';
import { uniforms } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-web/wasm';
import { difference } from './compare.ts';
import { bertConfig, integers, smallBert, smallVit } from './transformers.ts';

type Inputs = Readonly<Record<string, { readonly data: TypedArray; readonly shape: readonly number[] }>>;

const logitsOf = (model: AnyModel) => (batch: Readonly<Record<string, tf.Tensor>>) => ({
  logits: model.apply(batch, adaptedAt({ weights: model.weights, modules: model.targets })),
});

const dtypeOf = (data: TypedArray) => (data instanceof Float32Array ? 'float32' : 'int32');

const typesOf = (inputs: Inputs) =>
  Object.fromEntries(Object.entries(inputs).map(([name, { data, shape }]) => [name, { dtype: dtypeOf(data), shape }]));

const weightsOf = ({ weights }: AnyModel) =>
  Object.fromEntries(weights.paths.map((path) => [path, weights.get(path).data as TypedArray]));

async function compare(session: ort.InferenceSession, model: AnyModel, inputs: Inputs): Promise<number> {
  const feeds = Object.entries(inputs).map(([name, { data, shape }]) => {
    return [name, new ort.Tensor(dtypeOf(data), data as never, shape)] as const;
  });
  const made = await session.run(Object.fromEntries(feeds));
  const eager = tf.tidy(() => {
    const batch = Object.entries(inputs).map(([name, { data, shape }]) => [
      name,
      tf.tensor(data, [...shape], dtypeOf(data)),
    ]);
    return logitsOf(model)(Object.fromEntries(batch)).logits;
  });
  const wanted = await eager.data();
  eager.dispose();
  return difference(made.logits?.data as Float32Array, wanted);
}

/** A small ViT exported for one batch size, run by onnxruntime-web itself. */
export async function exportedVit(): Promise<number> {
  const model = smallVit();
  const inputs: Inputs = { pixelValues: { data: uniforms(8, 3 * 192), shape: [3, 3, 8, 8] } };
  const graph = capture(logitsOf(model), { inputs: typesOf(inputs), parameters: weightsOf(model) });
  const { model: bytes } = toOnnx(runPasses(graph), { weights: 'inside' });
  const session = await ort.InferenceSession.create(bytes);
  const found = await compare(session, model, inputs);
  await session.release();
  model.weights.dispose();
  return found;
}

/** A small BERT exported for any batch size and length, run at three of each. */
export async function exportedBert(): Promise<number> {
  const model = smallBert();
  const inputsAt = ({ batch, sequence }: Record<'batch' | 'sequence', number>): Inputs => ({
    inputIds: { data: integers(batch, batch * sequence, bertConfig.vocab_size), shape: [batch, sequence] },
    attentionMask: { data: new Int32Array(batch * sequence).fill(1), shape: [batch, sequence] },
  });
  const { model: bytes } = toDynamicOnnx(
    (sizes) =>
      capture(logitsOf(model), {
        inputs: typesOf(inputsAt(sizes as Record<'batch' | 'sequence', number>)),
        parameters: weightsOf(model),
      }),
    { dimensions: ['batch', 'sequence'], weights: 'inside' },
  );
  const session = await ort.InferenceSession.create(bytes);
  const found: number[] = [];
  for (const [batch, sequence] of [
    [1, 4],
    [3, 11],
    [6, 24],
  ] as const) {
    found.push(await compare(session, model, inputsAt({ batch, sequence })));
  }
  await session.release();
  model.weights.dispose();
  return Math.max(...found);
}
