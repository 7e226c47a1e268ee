import { expect, it } from 'vitest';
import { GpuWeights } from './gpuWeights.ts';

/** A device that writes down what it holds. */
function notingDevice() {
  const buffers: { readonly size: number; readonly usage: number; bytes: Uint8Array<ArrayBuffer>; state: string }[] =
    [];
  const device = {
    createBuffer({ size, usage }: { size: number; usage: number }) {
      const memory = new ArrayBuffer(size);
      const buffer = { size, usage, bytes: new Uint8Array(memory), state: 'mapped' };
      buffers.push(buffer);
      return {
        getMappedRange: () => memory,
        unmap: () => {
          buffer.state = 'ready';
        },
        destroy: () => {
          buffer.state = 'destroyed';
        },
      };
    },
  };
  return { device, buffers };
}

it('an array is uploaded once, padded to whole vectors, for storage and copies both ways', () => {
  const { device, buffers } = notingDevice();
  const weights = new GpuWeights(device);
  const memory = new SharedArrayBuffer(24);
  const array = new Int32Array(memory, 4, 5).map((_, index) => index + 1);
  const view = new Int32Array(memory, 4, 5);
  view.set(array);
  const first = weights.lease(view);
  expect(weights.lease(view).buffer).toBe(first.buffer);
  expect(buffers).toHaveLength(1);
  expect(buffers[0]).toMatchObject({ size: 32, usage: 0x8c, state: 'ready' });
  const [uploaded] = buffers.map(({ bytes }) => [...new Int32Array(bytes.buffer)]);
  expect(uploaded).toEqual([1, 2, 3, 4, 5, 0, 0, 0]);
});

it('an array leaves the device with its last holder, and comes back with the next', () => {
  const { device, buffers } = notingDevice();
  const weights = new GpuWeights(device);
  const array = Float32Array.of(1);
  const [one, other] = [weights.lease(array), weights.lease(array)];
  one.release();
  one.release();
  expect(buffers[0]?.state).toBe('ready');
  expect(weights.size).toBe(1);
  other.release();
  expect(buffers[0]?.state).toBe('destroyed');
  expect(weights.size).toBe(0);
  weights.lease(array);
  expect(buffers.map(({ state }) => state)).toEqual(['destroyed', 'ready']);
});
