import { describe, expect, it } from 'vitest';
import type { Operand } from '../plan/operand.ts';
import { viewOf } from '../plan/operand.ts';
import { CommandEmitter } from './commandEmitter.ts';

const device = {
  name: 'a device',
  architecture: 90,
  multiprocessors: 4,
  sharedMemory: 2 ** 16,
  memory: 2 ** 30,
  driverVersion: 12080,
};

const emitter = () => new CommandEmitter({ device, precision: 'bf16', hasProductLibrary: true });
const type = { shape: [4, 6], dtype: 'float32' } as const;

describe('CommandEmitter', () => {
  it('converts an operand once for all that read it, whatever its shape', () => {
    const emit = emitter();
    emit.begin('the node');
    const x = emit.scratch([4, 6], 'f32');
    const first = emit.stored(x, 'bf16');
    const second = emit.stored(viewOf(x, [24]), 'bf16');
    expect(first).toEqual({
      ...x,
      storage: 'bf16',
      region: { kind: 'arena', bytes: 48, label: 'the node, scratch, as bf16' },
    });
    expect(second).toEqual({ ...first, shape: [24] });
    expect(second.region).toBe(first.region);
    expect(emit.stored(x, 'f32')).toBe(x);
    expect(emit.stored(viewOf(x, [2, 6], 48), 'bf16').region).not.toBe(first.region);
    expect(emit.commands.map((command) => command.kind === 'kernel' && command.kernel.name)).toEqual([
      'convert',
      'convert',
    ]);
    expect(emit.commands[0]?.node).toBe('the node');
  });

  it('reads a frozen weight in another storage from another upload, and constants from converted bytes', () => {
    const emit = emitter();
    const weight = emit.weight('w', type, 'f32');
    expect(emit.weight('w', type, 'f32')).toBe(weight);
    const part = emit.stored(viewOf(weight, [6], 24), 'bf16');
    expect(part).toMatchObject({
      shape: [6],
      storage: 'bf16',
      offset: 12,
      region: { kind: 'weight', bytes: 48, label: 'w' },
    });
    expect([...emit.weights.values()].map(({ path, operand }) => [path, operand.storage])).toEqual([
      ['w', 'f32'],
      ['w', 'bf16'],
    ]);
    const numbers = emit.constant(Float32Array.of(1, 2.5, -3), [3]);
    const narrow = emit.stored(viewOf(numbers, [2], 4), 'bf16');
    expect([...new Uint16Array((narrow.region.data as Uint8Array).buffer)]).toEqual([0x4020, 0xc040]);
    expect(emit.commands).toEqual([]);
  });

  it('keeps equal constants once', () => {
    const emit = emitter();
    const constants = [Float32Array.of(1, 2), Float32Array.of(1, 2), Int32Array.of(1, 2), Uint8Array.of(1)];
    const made = constants.map((data) => emit.constant(data, [data.length]));
    expect(made.map(({ storage, dtype }) => `${storage} ${dtype}`)).toEqual([
      'f32 float32',
      'f32 float32',
      'i32 int32',
      'u8 bool',
    ]);
    expect(made[1]?.region).toBe(made[0]?.region);
    expect(new Set(made.map(({ region }) => region)).size).toBe(3);
  });

  it('refuses to copy between operands of unequal sizes', () => {
    const emit = emitter();
    emit.begin('3 Reverse');
    const copy = (from: Operand, to: Operand) => () => emit.copy(from, to);
    expect(copy(emit.scratch([2], 'f32'), emit.scratch([2], 'bf16'))).toThrow(
      'internal: 3 Reverse copies 8 bytes to 4; please report it.',
    );
    emit.copy(emit.scratch([2], 'f32'), emit.scratch([2], 'i32'));
    expect(emit.commands.map(({ kind }) => kind)).toEqual(['copy']);
  });
});
