import { afterEach, beforeEach, expect, it } from 'vitest';
import type { RecordedLaunch } from '../../../test/recording/moduleFunctions.ts';
import {
  type RecordedDriver,
  type RecordedDriverOptions,
  recordedDriver,
} from '../../../test/recording/recordedDriver.ts';
import type { Driver } from '../driver.ts';
import { parameterBlock } from '../parameterBlock.ts';

let recorded: RecordedDriver;
let driver: Driver;
const launches: RecordedLaunch[] = [];

function open(options: RecordedDriverOptions = {}): void {
  recorded = recordedDriver({ onLaunch: (launch) => launches.push(launch), ...options });
  driver = recorded.open();
}

beforeEach(() => open());

afterEach(() => {
  driver.close();
  expect(recorded.problems()).toEqual([]);
  launches.length = 0;
});

const image = new TextEncoder().encode('PEFT_KERNEL(twice, Twice, 128)');

/** Two addresses of the device, pinned memory for both, and a stream. */
function surroundings(bytes: number) {
  const [x, y] = [driver.allocate(bytes), driver.allocate(bytes)];
  const pinned = driver.allocatePinned(2 * bytes);
  const stream = driver.openStream();
  return {
    x,
    y,
    stream,
    up: new Uint8Array(pinned.bytes, 0, bytes),
    down: new Uint8Array(pinned.bytes, bytes, bytes),
    close: () => {
      stream.close();
      pinned.free();
      driver.free(x);
      driver.free(y);
    },
  };
}

it('describes the device', () => {
  expect(driver.device).toEqual({
    name: 'Recorded H200',
    architecture: 90,
    multiprocessors: 132,
    sharedMemory: 232_448,
    memory: 16 * 2 ** 30,
    driverVersion: 12_080,
  });
});

it('copies up, across and down, in the order of the stream', () => {
  const { x, y, up, down, stream, close } = surroundings(8);
  up.set([1, 2, 3, 4, 5, 6, 7, 8]);
  stream.upload(x, up);
  stream.clear(y, 8);
  stream.copy(y + 4n, x, 4);
  stream.download(down, y);
  expect([...down]).toEqual(Array(8).fill(0xff));
  stream.synchronize();
  expect([...down]).toEqual([0, 0, 0, 0, 1, 2, 3, 4]);
  close();
});

it('copies the parameters of a launch at once, also into a capture', () => {
  const { x, stream, close } = surroundings(64);
  const module = driver.loadModule(image);
  const kernel = module.kernel('twice');
  const parameters = parameterBlock([
    { type: 'pointer', value: x },
    { type: 'u32', value: 77 },
  ]);
  const graph = stream.capture(() => {
    stream.launch(kernel, { blocks: 3, threads: 128, parameters, sharedBytes: 16 });
    parameters.bytes.fill(0);
    stream.launch(kernel, { blocks: 1, threads: 32, parameters });
  });
  expect(graph.nodes).toBe(2);
  stream.launchGraph(graph);
  stream.launchGraph(graph);
  stream.synchronize();
  const seen = launches.map(({ name, blocks, threads, sharedBytes, parameters: bytes }) => {
    const view = new DataView(bytes.buffer);
    return [name, blocks, threads, sharedBytes, view.getBigUint64(0, true), view.getUint32(8, true)];
  });
  const once = [
    ['twice', 3, 128, 16, x, 77],
    ['twice', 1, 32, 0, 0n, 0],
  ];
  expect(seen).toEqual([...once, ...once]);
  graph.destroy();
  graph.destroy();
  module.unload();
  module.unload();
  close();
});

it('an event is done once the work before it is, and tells the time since an earlier one', () => {
  const { x, stream, close } = surroundings(64);
  const [first, second] = [driver.createEvent(), driver.createEvent()];
  stream.record(first);
  stream.clear(x, 64);
  stream.record(second);
  expect([second.isDone(), second.isDone()]).toEqual([false, true]);
  expect(second.since(first)).toBe(2);
  first.destroy();
  second.destroy();
  second.destroy();
  close();
});

it('allows a kernel as much shared memory as the most that was asked for', () => {
  const module = driver.loadModule(image);
  const { stream, close } = surroundings(64);
  const parameters = parameterBlock([]);
  for (const bytes of [0, 100_000, 60_000]) module.kernel('twice', bytes);
  stream.launch(module.kernel('twice', 100_000), { blocks: 1, threads: 1, sharedBytes: 100_000, parameters });
  const raised = recorded.recording.calls.filter(({ name }) => name === 'cuFuncSetAttribute');
  expect(raised.map(({ given }) => given.slice(1))).toEqual([[8, 100_000]]);
  stream.synchronize();
  module.unload();
  close();
});

it('ends text with a zero and gives code as it is, from a place of 16 bytes', () => {
  const elf = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46);
  const shifted = new Uint8Array(20).subarray(1, 5);
  shifted.set(elf);
  for (const each of [image, elf, shifted]) {
    recorded.fail('cuModuleLoadData', 200);
    expect(() => driver.loadModule(each)).toThrow(
      'cuModuleLoadData fails with CUDA_ERROR_INVALID_IMAGE (as the recording describes it); the kernel was compiled by a later CUDA than the driver knows; update the driver.',
    );
  }
  const given = recorded.recording.calls.filter(({ name }) => name === 'cuModuleLoadData');
  expect(given.map(({ given: [, bytes] }) => [...(bytes as Uint8Array)])).toEqual([
    [...image, 0],
    [...elf],
    [...elf, 0],
  ]);
  expect(given.map(({ given: [, bytes] }) => (bytes as Uint8Array).byteOffset)).toEqual([0, 0, 0]);
});

it('ends the capture whose work fails, and captures again', () => {
  const { x, stream, close } = surroundings(64);
  const failing = () =>
    stream.capture(() => {
      throw new Error('of the work');
    });
  expect(failing).toThrow('of the work');
  const graph = stream.capture(() => stream.clear(x, 64));
  expect(() => stream.capture(() => stream.capture(() => undefined))).toThrow(
    'internal: a capture inside a capture; please report it.',
  );
  recorded.fail('cuGraphUpload', 999);
  expect(() => stream.capture(() => stream.clear(x, 64))).toThrow('cuGraphUpload fails with status 999');
  graph.destroy();
  close();
});

it('tells what is free where memory runs out', () => {
  open({ device: { memory: 3 * 2 ** 30 } });
  const taken = driver.allocate(2 ** 30);
  expect(driver.freeMemory()).toBe(2 * 2 ** 30);
  expect(() => driver.allocate(5 * 2 ** 29)).toThrow(
    expect.objectContaining({
      code: 'cuda/out-of-memory',
      message:
        'Recorded H200 has 2.00 GiB free of 3.00 GiB, and 2.50 GiB more are needed at once; make batches smaller, or end other programs that use the device.',
    }),
  );
  recorded.fail('cuMemHostAlloc', 2);
  expect(() => driver.allocatePinned(3 * 2 ** 20)).toThrow(
    expect.objectContaining({
      code: 'cuda/out-of-memory',
      message:
        'the host cannot pin 3.0 MiB of its memory for copies to Recorded H200; free some, or raise the limit of locked memory (ulimit -l).',
    }),
  );
  recorded.fail('cuGraphInstantiateWithFlags', 2);
  const stream = driver.openStream();
  expect(() => stream.capture(() => stream.clear(taken, 300))).toThrow(
    'cuGraphInstantiateWithFlags fails with CUDA_ERROR_OUT_OF_MEMORY (as the recording describes it).',
  );
  stream.close();
  driver.free(taken);
});

it('says when the device was lost, and of every later call that it was lost before', () => {
  const { stream, close } = surroundings(64);
  recorded.fail('cuStreamSynchronize', 700);
  expect(() => stream.synchronize()).toThrow(
    expect.objectContaining({
      code: 'cuda/context-lost',
      message:
        'cuStreamSynchronize fails with CUDA_ERROR_ILLEGAL_ADDRESS (as the recording describes it); work that was put in before is to blame, and this process can use the device no more: start it again.',
    }),
  );
  recorded.fail('cuMemAlloc_v2', 700);
  expect(() => driver.allocate(16)).toThrow(
    expect.objectContaining({
      code: 'cuda/context-lost',
      message:
        'cuMemAlloc of 16 bytes fails with CUDA_ERROR_ILLEGAL_ADDRESS (as the recording describes it); the device was lost to this process before, when cuStreamSynchronize failed with CUDA_ERROR_ILLEGAL_ADDRESS; start the process again.',
    }),
  );
  close();
});

it('names the kernel and the size of a launch that fails', () => {
  const { stream, close } = surroundings(64);
  const module = driver.loadModule(image);
  recorded.fail('cuLaunchKernel', 701);
  expect(() =>
    stream.launch(module.kernel('twice'), { blocks: 7, threads: 1024, parameters: parameterBlock([]) }),
  ).toThrow(
    'cuLaunchKernel of twice (7 blocks of 1024 threads, 0 bytes of shared memory) fails with CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES (as the recording describes it); the launch asks for more threads, registers or shared memory than the device has; please report it.',
  );
  module.unload();
  expect(() => module.kernel('twice')).toThrow(
    'internal: kernel twice of a module that was unloaded; please report it.',
  );
  close();
});

it('refuses a kernel that the module lacks', () => {
  const module = driver.loadModule(new TextEncoder().encode('no kernel'));
  expect(() => module.kernel('twice')).toThrow('internal: the module has no kernel twice; please report it.');
  module.unload();
});

it('refuses copies of memory that is not pinned, or no longer', () => {
  const { x, stream, close } = surroundings(64);
  const pinned = driver.allocatePinned(64);
  const bytes = new Uint8Array(pinned.bytes);
  pinned.free();
  pinned.free();
  expect(() => stream.upload(x, bytes)).toThrow(
    'internal: upload of 64 bytes of host memory that is not pinned, or was freed; please report it.',
  );
  expect(() => stream.download(new Uint8Array(4), x)).toThrow(
    'internal: download of 4 bytes of host memory that is not pinned, or was freed; please report it.',
  );
  close();
});

it('refuses parameters that no launch takes', () => {
  const { stream, close } = surroundings(64);
  const module = driver.loadModule(image);
  const parameters = { bytes: new Uint8Array(4104) };
  expect(() => stream.launch(module.kernel('twice'), { blocks: 1, threads: 1, parameters })).toThrow(
    'internal: 4104 bytes of parameters for twice, more than 4096; please report it.',
  );
  module.unload();
  close();
});

it('refuses what is asked after it was closed', () => {
  driver.close();
  expect(() => driver.allocate(16)).toThrow('this device was closed; open it again.');
});

it.each([
  [
    { count: 0 },
    'cuInit fails with CUDA_ERROR_NO_DEVICE (as the recording describes it); no NVIDIA device is visible; see nvidia-smi and CUDA_VISIBLE_DEVICES.',
  ],
  [
    { driverVersion: 11_040 },
    'the driver serves CUDA 11.4, and 12.0 or later is needed; update the driver to 525 or later.',
  ],
  [
    { architecture: 75, name: 'T4' },
    'T4 has compute capability 7.5, and 8.0 or later is needed (A100, RTX 30 and later); choose another device or engine.',
  ],
])('refuses a machine that cannot serve: %j', (device, message) => {
  expect(() => recordedDriver({ device }).open()).toThrow(message);
});

it('refuses a device that is not there', () => {
  const message =
    'there is no CUDA device 2: 2 devices are visible, counted from 0; see nvidia-smi and CUDA_VISIBLE_DEVICES.';
  expect(() => recordedDriver({ device: { count: 2 } }).open(2)).toThrow(message);
  expect(() => recordedDriver().open(1)).toThrow('there is no CUDA device 1: 1 device is visible, counted from 0;');
});
