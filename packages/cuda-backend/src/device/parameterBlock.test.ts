import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Field, parameterBlock } from './parameterBlock.ts';

it('lays fields out as C does, and ends at a multiple of 8', () => {
  const { bytes } = parameterBlock([
    { type: 'u32', value: 2 ** 32 - 1 },
    { type: 'pointer', value: 0x1122334455667788n },
    { type: 'i32', value: -2 },
    { type: 'f32', value: 0.5 },
    { type: 'i64', value: -3 },
    { type: 'i32', value: 7 },
  ]);
  const view = new DataView(bytes.buffer);
  expect(bytes.length).toBe(40);
  expect(view.getUint32(0, true)).toBe(2 ** 32 - 1);
  expect(view.getBigUint64(8, true)).toBe(0x1122334455667788n);
  expect([view.getInt32(16, true), view.getFloat32(20, true)]).toEqual([-2, 0.5]);
  expect(view.getBigInt64(24, true)).toBe(-3n);
  expect([view.getInt32(32, true), view.getInt32(36, true)]).toEqual([7, 0]);
});

it('puts every field at a multiple of its size, after those before it', () => {
  const fields = fc.array(fc.constantFrom('pointer', 'i64', 'i32', 'u32', 'f32'));
  fc.assert(
    fc.property(fields, (types) => {
      const { bytes } = parameterBlock(types.map((type): Field => ({ type: type as 'i32', value: 1 })));
      const view = new DataView(bytes.buffer);
      let place = 0;
      for (const type of types) {
        const size = type === 'pointer' || type === 'i64' ? 8 : 4;
        place = Math.ceil(place / size) * size;
        if (size === 8) expect(view.getBigUint64(place, true)).toBe(1n);
        else expect(type === 'f32' ? view.getFloat32(place, true) : view.getInt32(place, true)).toBe(1);
        place += size;
      }
      expect(bytes.length).toBe(Math.ceil(place / 8) * 8);
    }),
  );
});

it.each<[Field, string]>([
  [{ type: 'i32', value: 2 ** 31 }, 'internal: field 0 is 2147483648, no i32; please report it.'],
  [{ type: 'u32', value: -1 }, 'internal: field 0 is -1, no u32; please report it.'],
  [{ type: 'i32', value: 0.5 }, 'internal: field 0 is 0.5, no i32; please report it.'],
])('refuses %j', (field, message) => {
  expect(() => parameterBlock([field])).toThrow(message);
});
