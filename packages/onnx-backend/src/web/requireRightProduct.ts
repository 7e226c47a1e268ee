import { capture, runPasses, toOnnx } from '@peft/graph';
import { matMul, type Tensor } from '@tensorflow/tfjs';
import { OnnxError } from '../onnxError.ts';
import type { Runtime } from '../runtime.ts';

/** Runs a small product, so that what does not work on this machine is known before a step depends on it. */
export async function requireRightProduct(runtime: Runtime): Promise<void> {
  const run = ({ x, y }: Record<'x' | 'y', Tensor>) => ({ product: matMul(x as never, y as never) });
  const graph = capture(run, {
    inputs: { x: { shape: [2, 3], dtype: 'float32' }, y: { shape: [3, 2], dtype: 'float32' } },
  });
  const { model, inputs, outputs } = toOnnx(runPasses(graph), { weights: 'inputs' });
  const session = await runtime.open({ bytes: model, feeds: inputs, results: outputs });
  const found = new Float32Array(4);
  const binding = session.bind([Float32Array.of(1, 2, 3, 4, 5, 6), Float32Array.of(7, 8, 9, 10, 11, 12)], [found]);
  try {
    await binding.run();
  } finally {
    binding.release();
    session.release();
  }
  if (`${found}` === '58,64,139,154') return;
  throw new OnnxError(
    'onnx/numbers',
    `ONNX Runtime on ${runtime.name} computes the product 58,64,139,154 as ${found} in this browser; choose another provider.`,
  );
}
