import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MemoryBook } from './memoryBook.ts';
import type { Region } from './region.ts';

const regions = ['a', 'b', 'c'].map((label): Region => ({ kind: 'arena', bytes: 40, label }));

it('knows of each byte who wrote it last', () => {
  const range = fc.record({ begin: fc.nat(39), length: fc.integer({ min: 1, max: 12 }), region: fc.nat(2) });
  fc.assert(
    fc.property(fc.array(range, { maxLength: 25 }), range, (writes, wanted) => {
      const book = new MemoryBook();
      const owners: (Region | undefined)[] = new Array(60).fill(undefined);
      const segmentOf = ({ begin, length, region }: typeof wanted) => ({
        begin,
        end: begin + length,
        owner: regions[region] as Region,
      });
      for (const each of writes) {
        const segment = segmentOf(each);
        book.write(segment);
        owners.fill(segment.owner, segment.begin, segment.end);
      }
      const asked = segmentOf(wanted);
      const held = owners.slice(asked.begin, asked.end).filter((owner) => owner === asked.owner).length;
      expect(book.heldBy(asked)).toBe(held);
    }),
    { numRuns: 500 },
  );
});
