import * as tf from '@tensorflow/tfjs';
import { CudaError } from '../cudaError.ts';

// TF32 keeps 11 bits of a factor: products of it are off by some 3e-4 of their norm.
const tolerance = 5e-3;

/**
 * Multiplies two matrices on the active backend and on the host, in float64.
 *
 * @returns norm of the difference over norm of the product
 * @throws CudaError `cuda/tfjs-product` for a wrong product, `cuda/tfjs-util` where tfjs-node lacks functions of Node
 */
export async function checkProduct(packageName: string): Promise<number> {
  const [rows, inner, columns] = [64, 96, 80];
  const a = Float32Array.from({ length: rows * inner }, (_, i) => Math.sin(i * 0.7));
  const b = Float32Array.from({ length: inner * columns }, (_, i) => Math.cos(i * 1.3));
  const found = await productOf({ a, b, shape: [rows, inner, columns] }, packageName);
  let [error, norm] = [0, 0];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += (a[row * inner + k] as number) * (b[k * columns + column] as number);
      error += ((found[row * columns + column] as number) - sum) ** 2;
      norm += sum ** 2;
    }
  }
  const relativeError = Math.sqrt(error / norm);
  if (relativeError <= tolerance) return relativeError;
  throw new CudaError(
    'cuda/tfjs-product',
    `tfjsGpu: a matrix product on the tensorflow backend of ${packageName} differs from the same on the host by ${relativeError.toPrecision(2)} of its norm (at most ${tolerance}); this TensorFlow does not serve this GPU: build the addon against a current one with npx peft-cuda build-tfjs.`,
  );
}

interface Factors {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly shape: readonly [number, number, number];
}

async function productOf({ a, b, shape: [rows, inner, columns] }: Factors, packageName: string) {
  try {
    const product = tf.tidy(() => tf.matMul(tf.tensor2d(a, [rows, inner]), tf.tensor2d(b, [inner, columns])));
    const values = await product.data();
    product.dispose();
    return values;
  } catch (cause) {
    const { message } = cause as Error;
    if (!/isNullOrUndefined|isArray/.test(message)) throw cause;
    throw new CudaError(
      'cuda/tfjs-util',
      `tfjsGpu: ${packageName} calls functions of node:util that Node ${process.version} no longer has, and was loaded before tfjsGpu() could give them to it; call tfjsGpu() before anything imports ${packageName}.`,
      { cause },
    );
  }
}
