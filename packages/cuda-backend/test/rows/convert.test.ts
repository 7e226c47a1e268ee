import { normals } from '@peft/ops';
import { expect, it } from 'vitest';
import { convertCommand } from '../../src/lowering/convertCommand.ts';
import type { Operand } from '../../src/plan/operand.ts';
import type { Storage } from '../../src/plan/storage.ts';
import { HostExecutor } from '../simulator/hostExecutor.ts';
import { simulated } from '../simulator/simulated.ts';
import { simulatedDescription } from '../simulator/simulatedDescription.ts';
import { asStored } from '../simulator/storedNumbers.ts';

const operand = (count: number, storage: Storage, before = 0): Operand => ({
  shape: [count],
  dtype: 'float32',
  storage,
  offset: before * (storage === 'bf16' ? 2 : 4),
  region: { kind: 'arena', bytes: 4 * (count + before), label: storage },
});

simulated('convert', () => {
  // Less than a group of eight, whole groups and a rest, more than the device has threads for; at 16 bytes and beside.
  it.each([
    ['f32', 'bf16'],
    ['bf16', 'f32'],
  ] as const)('writes %s as %s', (from, to) => {
    for (const [count, before] of [
      [1, 0],
      [7, 0],
      [8, 0],
      [4096, 0],
      [4099, 0],
      [70_001, 0],
      [100, 1],
    ] as const) {
      const [x, y] = [operand(count, from, before), operand(count, to, before)];
      const numbers = asStored(normals(count, count), from);
      const executor = new HostExecutor({ isStrict: true });
      executor.write(x, numbers);
      executor.run([{ kind: 'kernel', node: 'convert', ...convertCommand(x, y, simulatedDescription) }]);
      const found = executor.read(y);
      executor.close();
      expect(found).toEqual(asStored(numbers, to));
    }
  });
});
