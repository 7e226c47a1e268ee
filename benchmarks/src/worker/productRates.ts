import { type Engine, hostArray, type Program, Weights } from '@peft/core';
import { matMul, normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { type CountedProduct, flopsOf, type Product } from '../products/productsOf.ts';

/** Work and memory of one timed run, from which follows how many copies of a product it holds. */
const runFlops = 2e9;
const runBytes = 2 ** 28;
const mostCopies = 24;

/** Programs of one matrix product each, to be timed in turns. */
export class ProductRates {
  readonly #programs: { readonly program: Program<'run'>; readonly copies: number }[] = [];

  async add(engine: Engine, product: CountedProduct): Promise<void> {
    const copies = copiesOf(product);
    this.#programs.push({ copies, program: await compile(engine, product, copies) });
  }

  /** Milliseconds of each product in this turn. */
  async take(): Promise<readonly number[]> {
    const times: number[] = [];
    for (const { program, copies } of this.#programs) {
      const began = performance.now();
      await program.run('run', {});
      times.push((performance.now() - began) / copies);
    }
    return times;
  }
}

/** As many as the step has, so that small ones are not timed with the call, and operands come from memory as they do there. */
function copiesOf(product: CountedProduct): number {
  const { batch, m, k, n, count } = product;
  const bytes = 4 * batch * (m * k + k * n + m * n);
  const limit = Math.min(count, mostCopies, runFlops / flopsOf(product), runBytes / bytes);
  return Math.max(1, Math.floor(limit));
}

async function compile(engine: Engine, product: Product, copies: number): Promise<Program<'run'>> {
  const { batch, m, k, n, transposeA, transposeB } = product;
  const stack = (...shape: readonly number[]) => (batch === 1 ? shape : [batch, ...shape]);
  const [a, b] = [stack(...(transposeA ? [k, m] : [m, k])), stack(...(transposeB ? [n, k] : [k, n]))];
  const indices = Array.from({ length: copies }, (_, index) => index);
  const weights = new Weights(
    indices.flatMap((index) => [
      [`a${index}`, filled(a)],
      [`b${index}`, filled(b)],
    ]),
  );
  const run = () => ({
    state: Object.fromEntries(
      indices.map((index) => [
        `c${index}`,
        matMul(weights.tensor(`a${index}`), weights.tensor(`b${index}`), transposeA, transposeB),
      ]),
    ),
    metrics: { none: tf.scalar(0) },
  });
  const program = await engine.compile({ run }, weights);
  await program.bind(Object.fromEntries(indices.map((index) => [`c${index}`, tf.zeros(stack(m, n) as number[])])));
  await program.run('run', {});
  return program;
}

function filled(shape: readonly number[]) {
  const size = shape.reduce((product, length) => product * length, 1);
  const block = normals(1, 4096);
  return hostArray(
    Float32Array.from({ length: size }, (_, index) => block[index % 4096] as number),
    shape,
  );
}
