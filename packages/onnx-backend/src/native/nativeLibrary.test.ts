import { expect, it, vi } from 'vitest';
import { nativeRuntime } from './nativeRuntime.ts';

/** A koffi whose library answers as told. */
const fake = vi.hoisted(() => ({ stack: 1 << 20, table: null as bigint | null, fails: false }));

vi.mock('koffi', () => ({
  default: {
    config: (settings?: object) => {
      if (settings) throw new Error('Cannot change Koffi configuration once a library has been loaded');
      return { async_stack_size: fake.stack };
    },
    load: () => {
      if (fake.fails) throw new Error('wrong ELF class');
      return { func: () => () => 1n };
    },
    sizeof: () => 8,
    proto: (result: string) => result,
    decode: (_base: bigint, offset: number) => offset,
    call: (entry: number) => (entry === 8 ? '1.20.1' : fake.table),
  },
}));

it('asks for a newer library where the table is missing', async () => {
  await expect(nativeRuntime({ library: 'old.so' })).rejects.toMatchObject({
    code: 'onnx/version',
    message:
      'the ONNX Runtime at old.so is 1.20.1, without version 29 of the C interface; install onnxruntime-node 1.29.0 or later.',
  });
});

it('says why a library does not load', async () => {
  fake.fails = true;
  await expect(nativeRuntime({ library: 'other.so' })).rejects.toMatchObject({
    code: 'onnx/library',
    message:
      'the ONNX Runtime library at other.so does not load: wrong ELF class; install onnxruntime-node for this platform.',
  });
  fake.fails = false;
});

it('refuses a koffi that others set up with too small a stack', async () => {
  fake.stack = 1 << 17;
  await expect(nativeRuntime({ library: 'any.so' })).rejects.toMatchObject({
    code: 'onnx/stack',
    message:
      'koffi was used before with a stack too small for ONNX Runtime; before its first use call koffi.config({ async_stack_size: 1048576 }).',
  });
});
