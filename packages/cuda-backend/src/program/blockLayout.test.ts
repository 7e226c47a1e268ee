import fc from 'fast-check';
import { expect, it } from 'vitest';
import { blockLayout } from './blockLayout.ts';

it('parts lie apart, each and the whole at multiples of the alignment', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2000)), fc.constantFrom(16, 256), (sizes, alignment) => {
      const bytesOf = (index: number) => sizes[index] as number;
      const { bytes, offsets } = blockLayout(sizes.keys(), { bytesOf, alignment });
      const places = [...offsets.values()];
      expect(offsets.size).toBe(sizes.length);
      expect([...places, bytes].every((place) => place % alignment === 0)).toBe(true);
      for (const [index, size] of sizes.entries()) {
        expect((places[index] as number) + size).toBeLessThanOrEqual(places[index + 1] ?? bytes);
      }
    }),
  );
});

it('a part that comes twice has one place', () => {
  const { bytes, offsets } = blockLayout(['a', 'b', 'a'], { bytesOf: () => 10 });
  expect([bytes, [...offsets]]).toEqual([
    512,
    [
      ['a', 0],
      ['b', 256],
    ],
  ]);
});
