import { expect, it } from 'vitest';
import { parameterBlock } from '../../src/device/parameterBlock.ts';
import { recordedDriver } from './recordedDriver.ts';

const image = new TextEncoder().encode('PEFT_KERNEL(twice, Twice, 128)');

function opened() {
  const recorded = recordedDriver();
  const driver = recorded.open();
  const pinned = driver.allocatePinned(64);
  const bytes = new Uint8Array(pinned.bytes);
  return { recorded, driver, stream: driver.openStream(), address: driver.allocate(64), pinned, bytes };
}

/** What was noticed while something was done, whether or not it threw. */
function noticed(misuse: (parts: ReturnType<typeof opened>) => void): readonly string[] {
  const parts = opened();
  try {
    misuse(parts);
  } catch {}
  return parts.recorded.recording.problems;
}

it.each<[string, (parts: ReturnType<typeof opened>) => void, string]>([
  [
    'memory freed twice',
    ({ driver, address }) => {
      driver.free(address);
      driver.free(address);
    },
    'cuMemFree_v2: an address that was not allocated, or was freed before',
  ],
  [
    'pinned memory overwritten under a copy',
    ({ stream, address, bytes }) => {
      stream.upload(address, bytes);
      bytes[5] = 1;
      stream.synchronize();
    },
    'cuMemcpyHtoDAsync_v2: its pinned memory was overwritten before it ran',
  ],
  [
    'a copy from freed memory',
    ({ driver, stream, address }) => {
      const other = driver.allocate(64);
      driver.free(other);
      stream.copy(address, other, 64);
    },
    "cuMemcpyDtoDAsync_v2: from memory that is not pinned, not the device's, or was freed",
  ],
  [
    'a copy past the end',
    ({ stream, address, bytes }) => stream.upload(address + 4n, bytes),
    "cuMemcpyHtoDAsync_v2: to memory that is not pinned, not the device's, or was freed",
  ],
  [
    'memory freed that a replayed graph uses',
    ({ driver, stream, address }) => {
      const graph = stream.capture(() => stream.clear(address, 64));
      driver.free(address);
      stream.launchGraph(graph);
      stream.synchronize();
    },
    'cuMemsetD8Async: its memory was freed before it ran',
  ],
  [
    'a kernel of an unloaded module',
    ({ driver, stream }) => {
      const module = driver.loadModule(image);
      const kernel = module.kernel('twice');
      module.unload();
      stream.launch(kernel, { blocks: 1, threads: 1, parameters: parameterBlock([]) });
    },
    'cuLaunchKernel of twice: a module that was destroyed',
  ],
  [
    'a module unloaded under its work',
    ({ driver, stream }) => {
      const module = driver.loadModule(image);
      stream.launch(module.kernel('twice'), { blocks: 1, threads: 1, parameters: parameterBlock([]) });
      module.unload();
    },
    'cuModuleUnload: work that was put in has not run',
  ],
  [
    'a launch without blocks',
    ({ driver, stream }) => {
      const kernel = driver.loadModule(image).kernel('twice');
      stream.launch(kernel, { blocks: 0, threads: 128, parameters: parameterBlock([]) });
    },
    'cuLaunchKernel of twice: 0 blocks of 128 threads',
  ],
  [
    'shared memory that was not allowed',
    ({ driver, stream }) => {
      const kernel = driver.loadModule(image).kernel('twice');
      stream.launch(kernel, { blocks: 1, threads: 1, sharedBytes: 50_000, parameters: parameterBlock([]) });
    },
    'cuLaunchKernel of twice: 50000 bytes of shared memory were not allowed',
  ],
  [
    'a destroyed graph',
    ({ stream, address }) => {
      const graph = stream.capture(() => stream.clear(address, 64));
      graph.destroy();
      stream.launchGraph(graph);
    },
    'cuGraphLaunch: a executable graph that was destroyed',
  ],
  [
    'memory allocated inside a capture',
    ({ driver, stream }) => void stream.capture(() => void driver.allocate(16)),
    'cuMemAlloc_v2: not allowed inside a capture',
  ],
  [
    'waiting inside a capture',
    ({ stream }) => void stream.capture(() => stream.synchronize()),
    'cuStreamSynchronize: not allowed inside a capture',
  ],
  [
    'an event that was never recorded',
    ({ driver }) => void driver.createEvent().isDone(),
    'cuEventQuery: an event that was never recorded',
  ],
  [
    'a stream that was closed',
    ({ stream, address }) => {
      stream.close();
      stream.clear(address, 64);
    },
    'cuMemsetD8Async: a stream that was destroyed',
  ],
  [
    'a call without a context',
    ({ recorded, driver, address }) => {
      driver.close();
      recorded.functions.cuMemFree_v2(address);
    },
    'cuMemFree_v2: no context is current',
  ],
])('notices %s', (_name, misuse, problem) => {
  expect(noticed(misuse)).toEqual([problem]);
});

it('lists what was not freed once the device is closed', () => {
  const { recorded, driver, stream, address } = opened();
  driver.createEvent();
  driver.loadModule(image).kernel('twice');
  stream.capture(() => stream.clear(address, 64));
  expect(recorded.problems()).toEqual([]);
  driver.close();
  expect(recorded.problems()).toEqual([
    '64 bytes of device memory were not freed',
    '64 bytes of pinned memory were not freed',
    'stream was not destroyed',
    'event was not destroyed',
    'module was not destroyed',
    'executable graph was not destroyed',
  ]);
});

it('records calls in order, with what they were given', () => {
  const { recorded, stream, address } = opened();
  const before = recorded.recording.calls.length;
  stream.clear(address, 64);
  expect(recorded.recording.calls.slice(before)).toEqual([
    { name: 'cuCtxSetCurrent', given: [expect.any(BigInt)], status: 0 },
    { name: 'cuMemsetD8Async', given: [address, 0, 64, stream.handle], status: 0 },
  ]);
});
