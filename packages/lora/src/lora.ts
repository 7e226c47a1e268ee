import {
  type Context,
  checkPatterns,
  type FileFormat,
  fold,
  layerKindOf,
  type Strategy,
  type Target,
  toTensor,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { changedWeight } from './changedWeight.ts';
import { checkOptions } from './checkOptions.ts';
import { decodeLora, loraShapes } from './decodeLora.ts';
import { encodeLora } from './encodeLora.ts';
import { initialFactors } from './initialFactors.ts';
import type { LoraOptions } from './loraOptions.ts';
import { factorsOf, type LoraFactors, type LoraParams, type LoraState } from './loraParams.ts';
import { changedNorm, magnitudeScale } from './magnitudeScale.ts';
import { scaled } from './scaled.ts';
import { targetSizes } from './targetSizes.ts';

/** A LoRA strategy and the options it was made of. */
export interface LoraStrategy extends Strategy<LoraParams, LoraState> {
  readonly options: Required<LoraOptions>;
}

/**
 * Low-rank adaptation (Hu et al. 2021, arXiv 2106.09685): a frozen weight [in, out] gains scaling a.b with a [in, rank]
 * and b [rank, out]; by option rank-stabilized or with a trained magnitude (DoRA).
 * @throws PeftError `lora/options` with every wrong option; when a run begins, `target/ambiguous-pattern`,
 * `target/unmatched-pattern` or `target/pattern`.
 */
export function lora(options: LoraOptions = {}): LoraStrategy {
  const checked = checkOptions(options);
  const { dora, dropout, init, rankPattern, alphaPattern } = checked;
  const sizeOf = targetSizes(checked);

  const fresh = (target: Target, { seed, weightOf }: Context): LoraFactors => {
    const { rank, scaling } = sizeOf(target);
    const drawn = initialFactors(target, { rank, init, seed: fold(seed, target.path) });
    const pair = { a: toTensor(drawn.a), b: toTensor(drawn.b) };
    return dora ? { ...pair, magnitude: changedNorm(target, { weight: weightOf(target), ...pair, scaling }) } : pair;
  };

  return {
    name: dora ? 'dora' : 'lora',
    options: checked,
    fileFormat: loraFileFormat,
    init(context) {
      checkPatterns(rankPattern, context.targets, 'lora rankPattern');
      checkPatterns(alphaPattern, context.targets, 'lora alphaPattern');
      const byPath = () => Object.fromEntries(context.targets.map((target) => [target.path, fresh(target, context)]));
      return { params: tf.tidy(byPath), state: {} };
    },
    forward(adapter, target, call) {
      const { input, weight, output } = call;
      const kind = layerKindOf(target);
      const factors = factorsOf(adapter, target);
      const { scaling } = sizeOf(target);
      const kept = dropout > 0 && call.training ? kind.dropout(input, dropout, call.dropoutKey) : input;
      const change = kind.up(scaled(kind.down(kept, factors.a), scaling), factors.b);
      if (!('magnitude' in factors)) return tf.add(output, change);
      const scale = magnitudeScale(target, { weight, ...factors, scaling });
      if (kept === input) return tf.mul(scale, tf.add(output, change));
      // As Python PEFT: what the magnitude changes is computed from the dropped input too.
      const rescaled = tf.mul(tf.sub(scale, 1), kind.apply(kept, weight));
      return tf.add(output, tf.add(rescaled, tf.mul(scale, change)));
    },
    merge(adapter, target, weight) {
      const factors = factorsOf(adapter, target);
      const change = { weight, ...factors, scaling: sizeOf(target).scaling };
      const changed = changedWeight(target, change);
      if (!('magnitude' in factors)) return changed;
      return layerKindOf(target).scaleOutputs(changed, magnitudeScale(target, { ...change, ...factors }));
    },
    ...(!dora && {
      factors(adapter, target) {
        const { a, b } = factorsOf(adapter, target);
        return { a, b: scaled(b, sizeOf(target).scaling) };
      },
    }),
  };
}

/** Adapters of `lora` as Python PEFT's LoRA files, DoRA and rsLoRA among them. */
export const loraFileFormat: FileFormat = {
  peftType: 'LORA',
  shapes: loraShapes,
  encode: encodeLora,
  decode(file, targets) {
    const { options, params } = decodeLora(file, targets);
    return { strategy: lora(options), params, state: {} };
  },
};
