/** How the angles of a rotary embedding grow with the place of a token. */
export type RotaryScaling =
  | { readonly type: 'default' }
  /** All angles divided by a factor. */
  | { readonly type: 'linear'; readonly factor: number }
  /** Llama 3.1's: slow angles divided by a factor, fast ones kept, those between blended. */
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFactor: number;
      readonly highFactor: number;
      /** Tokens of the longest sequence before the model was stretched. */
      readonly positions: number;
    };

/** Radians from one token to the next of each pair of `size` numbers, [size / 2] (arXiv:2104.09864, section 3.2.2). */
export function rotaryFrequencies(size: number, theta: number, scaling: RotaryScaling): Float32Array {
  return Float32Array.from({ length: size / 2 }, (_, pair) => scaled(theta ** ((-2 * pair) / size), scaling));
}

function scaled(frequency: number, scaling: RotaryScaling): number {
  if (scaling.type === 'default') return frequency;
  if (scaling.type === 'linear') return frequency / scaling.factor;
  const { factor, lowFactor, highFactor, positions } = scaling;
  const turns = (positions * frequency) / (2 * Math.PI);
  if (turns < lowFactor) return frequency / factor;
  if (turns > highFactor) return frequency;
  const share = (turns - lowFactor) / (highFactor - lowFactor);
  return (1 - share) * (frequency / factor) + share * frequency;
}
