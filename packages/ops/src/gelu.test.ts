import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { expectLike } from '../test/expectLike.ts';
import { onEachBackend } from '../test/onEachBackend.ts';
import { gelu } from './gelu.ts';
import { geluTanh } from './geluTanh.ts';
import { gelu as geluReference } from './reference/gelu.ts';
import { geluTanh as geluTanhReference } from './reference/geluTanh.ts';

const forms = [
  { name: 'gelu', run: gelu, reference: geluReference },
  { name: 'geluTanh', run: geluTanh, reference: geluTanhReference },
];

onEachBackend(() => {
  describe.each(forms)('$name', ({ run, reference }) => {
    it.each([[[]], [[7]], [[3, 1, 40]]])('has the values and slope of its reference on %s', (shape) => {
      expectLike({ shapes: { x: shape }, output: shape, run: ({ x }) => run(x), reference: ({ x }) => reference(x) });
    });

    it('is exact at zero and saturates without overflow', () => {
      const x = tf.tensor1d([0, 100, -100, 1e18]);
      const y = run(x).arraySync();
      expect((y as number[]).map((value) => value + 0)).toEqual([0, 100, 0, Math.fround(1e18)]);
      const points = tf.tensor1d([0, 1e-15, -1e-20, 100, -100]);
      const slopes = Array.from(
        tf
          .grad((input) => tf.sum(run(input)))(points)
          .dataSync(),
      );
      [0.5, 0.5, 0.5, 1, 0].forEach((slope, index) => {
        expect(Math.abs((slopes[index] as number) - slope)).toBeLessThan(1e-30);
      });
    });
  });
});
