import { bits, type Seed } from '@peft/ops';

/** Equally likely values of the standard normal distribution that a draw chooses from. */
const levels = 65536;

let standard: Float32Array | undefined;

/**
 * `count` draws from the normal distribution of mean 0, rounded to its 65,536 quantiles: for the weights of models with
 * more of them than `normals` can draw in seconds. None is beyond 4.4 deviations.
 */
export function quickNormals(seed: Seed, count: number, deviation: number): Float32Array {
  standard ??= normalQuantiles();
  const quantiles = standard.map((value) => value * deviation);
  const values = new Float32Array(count);
  let state = bits(seed, 0, 0) | 0;
  for (let index = 0; index < count; index += 2) {
    // Weyl sequence through C. Wellons' lowbias32; two draws a word.
    state = (state + 0x9e3779b9) | 0;
    let word = state ^ (state >>> 16);
    word = Math.imul(word, 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    word ^= word >>> 15;
    values[index] = quantiles[word & 0xffff] as number;
    // Beyond the end of an odd count, a typed array ignores this.
    values[index + 1] = quantiles[word >>> 16] as number;
  }
  return values;
}

/** The values below which (i + 1/2) / levels of the distribution lies, by Newton's method on its distribution function. */
function normalQuantiles(): Float32Array {
  const values = new Float32Array(levels);
  let value = 0;
  for (let index = levels / 2; index < levels; index++) {
    const share = (index + 0.5) / levels;
    for (let round = 0; round < 4; round++) {
      value -= (below(value) - share) / (Math.exp((-value * value) / 2) / Math.sqrt(2 * Math.PI));
    }
    values[index] = value;
    values[levels - 1 - index] = -value;
  }
  return values;
}

/** The standard normal distribution function for values from 0, as 1/2 + density . (x + x^3/3 + x^5/15 + ...). */
function below(value: number): number {
  let term = value;
  let sum = value;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum) && n < 200; n++) {
    term *= (value * value) / (2 * n + 1);
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-value * value) / 2)) / Math.sqrt(2 * Math.PI);
}
