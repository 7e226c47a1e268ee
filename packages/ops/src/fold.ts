import { PeftError } from './error.ts';
import { mix } from './mix.ts';

/** A 32-bit unsigned integer that names a random stream; folded into others, never consumed. */
export type Seed = number;

const STRING = 0x51ed270b;
const NUMBER = 0x2545f491;

/**
 * A seed for one part of what `seed` stands for: `fold(seed, 'layer.3.query')`, `fold(seed, step)`.
 *
 * Deterministic on every platform; strings (as UTF-8) and numbers (integers from 0 to 2^53 - 1) never share a stream
 * by kind alone. For one datum, different seeds give different results.
 * @throws PeftError `seed/invalid`, `seed/data-invalid`
 */
export function fold(seed: Seed, data: string | number): Seed {
  checkSeed(seed);
  return typeof data === 'string' ? foldText(seed, data) : foldInteger(seed, data);
}

/** @throws PeftError `seed/invalid` unless `seed` is an integer from 0 to 2^32 - 1. */
export function checkSeed(seed: Seed): void {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw new PeftError('seed/invalid', `seed ${seed} is not an integer from 0 to 4294967295; pass one that is.`);
  }
}

function foldInteger(seed: Seed, value: number): Seed {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new PeftError(
      'seed/data-invalid',
      `fold: ${value} is not an integer from 0 to ${Number.MAX_SAFE_INTEGER}; fold an integer or a string.`,
    );
  }
  const low = absorb(mix(seed ^ NUMBER), value >>> 0);
  return finish(absorb(low, Math.floor(value / 0x100000000)), 8);
}

function foldText(seed: Seed, text: string): Seed {
  const bytes = new TextEncoder().encode(text);
  let state = mix(seed ^ STRING);
  for (let start = 0; start < bytes.length; start += 4) {
    let word = 0;
    for (let offset = 0; offset < 4; offset++) word |= (bytes[start + offset] ?? 0) << (8 * offset);
    state = absorb(state, word);
  }
  return finish(state, bytes.length);
}

function absorb(state: number, word: number): number {
  return (Math.imul(mix(state ^ mix(word >>> 0)), 5) + 0xe6546b64) >>> 0;
}

function finish(state: number, length: number): Seed {
  return mix(state ^ length);
}
