import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Driver } from '../../src/device/driver.ts';
import { openCompiler } from '../../src/device/openCompiler.ts';
import { openDriver } from '../../src/device/openDriver.ts';
import { openProducts } from '../../src/device/openProducts.ts';
import { parameterBlock } from '../../src/device/parameterBlock.ts';
import type { Product } from '../../src/device/products.ts';
import { simulated } from './simulated.ts';
import { simulatedControl, simulatedLibraries, type WorkMode } from './simulatedLibraries.ts';

const kernels = `
struct Twice { const float *x; float *y; u32 count; };
PEFT_KERNEL(testTwice, Twice, 128) {
  const u32 i = block * blockDim.x + threadIdx.x;
  if (i < p.count) p.y[i] = 2.0f * p.x[i];
}
`;
const prelude = `typedef unsigned u32; struct ManyParameters { const void *table; u32 blocks; };`;

const upTo = (count: number) => Float32Array.from({ length: count }, (_, index) => index);

async function image(): Promise<Uint8Array> {
  const { compiler } = await openCompiler({ library: simulatedLibraries().nvrtc });
  const made = await compiler?.compile(prelude + kernels, { name: 'test.cu', architecture: 110 });
  return made?.image as Uint8Array;
}

simulated('the libraries that stand in for those of a GPU, through the real driver', () => {
  const opened: Driver[] = [];
  const open = async () => {
    const { driver } = await openDriver({ library: simulatedLibraries().driver });
    opened.push(driver);
    return driver;
  };

  beforeEach(() => simulatedControl().configure());

  afterEach(() => {
    for (const driver of opened.splice(0)) driver.close();
    const none = { allocations: 0, pinned: 0, streams: 0, events: 0, graphs: 0, modules: 0, descriptors: 0 };
    expect(simulatedControl().liveObjects()).toEqual(none);
  });

  it('says what it is', async () => {
    const { device } = await open();
    expect(device).toEqual({
      name: 'simulated device',
      architecture: 110,
      multiprocessors: 4,
      sharedMemory: 232448,
      memory: 2 ** 32,
      driverVersion: 13000,
    });
  });

  it.each<WorkMode>(['late', 'eager', 'threaded'])(
    'a captured graph is replayed with the parameters of its capture, work %s',
    async (mode) => {
      simulatedControl().configure({ mode });
      const driver = await open();
      const [x, y] = [driver.allocate(1200), driver.allocate(1200)];
      const pinned = driver.allocatePinned(2400);
      const [given, made] = [new Float32Array(pinned.bytes, 0, 300), new Float32Array(pinned.bytes, 1200, 300)];
      const stream = driver.openStream();
      const module = driver.loadModule(await image());
      const kernel = module.kernel('testTwice');
      const parameters = parameterBlock([
        { type: 'pointer', value: x },
        { type: 'pointer', value: y },
        { type: 'u32', value: 300 },
      ]);
      const graph = stream.capture(() => {
        stream.upload(x, new Uint8Array(pinned.bytes, 0, 1200));
        stream.launch(kernel, { blocks: 3, threads: 128, parameters });
        stream.download(new Uint8Array(pinned.bytes, 1200, 1200), y);
      });
      parameters.bytes.fill(0);
      expect(graph.nodes).toBe(3);
      for (const factor of [1, 3]) {
        given.set(upTo(300).map((each) => factor * each));
        made.fill(0);
        const event = driver.createEvent();
        stream.launchGraph(graph);
        stream.record(event);
        if (mode === 'late') expect(made[1]).toBe(0);
        let asked = 0;
        while (!event.isDone()) asked++;
        if (mode === 'late') expect(asked).toBe(1);
        expect(made).toEqual(upTo(300).map((each) => 2 * factor * each));
        event.destroy();
      }
      graph.destroy();
      module.unload();
      stream.close();
      pinned.free();
      driver.free(x);
      driver.free(y);
    },
  );

  it('memory that runs out is out of memory, and is there again when freed', async () => {
    simulatedControl().configure({ memory: 1000 });
    const driver = await open();
    const address = driver.allocate(600);
    expect(driver.freeMemory()).toBe(400);
    expect(() => driver.allocate(600)).toThrow(expect.objectContaining({ code: 'cuda/out-of-memory' }));
    driver.free(address);
    driver.free(driver.allocate(1000));
  });

  it('a failure that a test plants comes at its call', async () => {
    const driver = await open();
    simulatedControl().plant('cuMemAlloc_v2', { nth: 2, status: 999 });
    const address = driver.allocate(16);
    expect(() => driver.allocate(16)).toThrow('cuMemAlloc of 16 bytes fails with CUDA_ERROR_UNKNOWN (unknown error)');
    driver.free(address);
    expect(simulatedControl().calls('cuMemAlloc_v2')).toBe(2);
  });

  it('what is freed twice, or read by a kernel after it was freed, fails as on a device', async () => {
    const driver = await open();
    const [x, y] = [driver.allocate(400), driver.allocate(400)];
    const stream = driver.openStream();
    const kernel = driver.loadModule(await image()).kernel('testTwice');
    driver.free(x);
    expect(() => driver.free(x)).toThrow('cuMemFree fails with CUDA_ERROR_INVALID_VALUE');
    const parameters = parameterBlock([
      { type: 'pointer', value: x },
      { type: 'pointer', value: y },
      { type: 'u32', value: 100 },
    ]);
    stream.launch(kernel, { blocks: 1, threads: 128, parameters });
    expect(() => stream.synchronize()).toThrow(expect.objectContaining({ code: 'cuda/context-lost' }));
    expect(() => driver.allocate(16)).toThrow(expect.objectContaining({ code: 'cuda/context-lost' }));
  });

  it('memory cannot be allocated in a capture, and spoils it', async () => {
    const driver = await open();
    const stream = driver.openStream();
    expect(() => stream.capture(() => void driver.allocate(16))).toThrow('CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED');
    expect(() =>
      stream.launch({ name: 'none', handle: 1n }, { blocks: 1, threads: 1, parameters: { bytes: new Uint8Array(8) } }),
    ).toThrow('CUDA_ERROR_INVALID_HANDLE');
  });

  it('a text that does not compile is refused with what the compiler says', async () => {
    const { compiler } = await openCompiler({ library: simulatedLibraries().nvrtc });
    const compiled = compiler?.compile('int half(', { name: 'half.cu', architecture: 90 });
    await expect(compiled).rejects.toThrow(/half.cu does not compile for sm_90a with NVRTC 13.0(.|\n)*error/);
  });

  it('products of the product library are those of loops, transposed, in batches, added to and with a bias', async () => {
    const driver = await open();
    const { products } = await openProducts({ driver, library: simulatedLibraries().cublasLt });
    const product: Product = {
      rows: 2,
      columns: 3,
      inner: 4,
      batch: 2,
      a: { storage: 'f32', rowStride: 2, batchStride: 8, transposed: true },
      b: { storage: 'f32', rowStride: 3, batchStride: 0, transposed: false },
      c: { storage: 'f32', rowStride: 3, batchStride: 6 },
      alpha: 0.5,
      accumulate: true,
      bias: 'f32',
      tf32: false,
    };
    const arrays = [upTo(16), upTo(12), upTo(12), upTo(3)];
    const pinned = driver.allocatePinned(256);
    const stream = driver.openStream();
    const [a, b, c, bias] = arrays.map((array) => {
      const address = driver.allocate(array.byteLength);
      new Float32Array(pinned.bytes, 0, array.length).set(array);
      stream.upload(address, new Uint8Array(pinned.bytes, 0, array.byteLength));
      stream.synchronize();
      return address;
    }) as [bigint, bigint, bigint, bigint];
    const workspace = driver.allocate(products?.workspaceBytes || 256);
    products?.prepare(product).run(stream, { a, b, c, bias, workspace });
    stream.download(new Uint8Array(pinned.bytes, 0, 48), c);
    stream.synchronize();
    const expected = Array.from({ length: 12 }, (_, place) => {
      const [batch, row, column] = [Math.floor(place / 6), Math.floor(place / 3) % 2, place % 3];
      let sum = 0;
      for (let k = 0; k < 4; k++) sum += (8 * batch + 2 * k + row) * (3 * k + column);
      return 0.5 * sum + place + column;
    });
    expect(Array.from(new Float32Array(pinned.bytes, 0, 12))).toEqual(expected);
    products?.close();
    stream.close();
  });
});
