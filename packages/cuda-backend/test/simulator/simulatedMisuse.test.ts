import koffi, { type LibraryHandle } from 'koffi';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type CublasLtFunctions, cublasLtSignatures } from '../../src/device/cublasLt/cublasLtFunctions.ts';
import { type DriverFunctions, driverSignatures } from '../../src/device/native/driverFunctions.ts';
import { findFunctions } from '../../src/device/native/nativeFunctions.ts';
import { openCompiler } from '../../src/device/openCompiler.ts';
import { simulated } from './simulated.ts';
import { simulatedControl, simulatedLibraries } from './simulatedLibraries.ts';

const text = `
typedef unsigned u32;
struct ManyParameters { const void *table; u32 blocks; };
struct Nothing { u32 count; };
PEFT_KERNEL(testShared, Nothing, 64) {
  PEFT_DYNAMIC_SHARED(memory);
  memory[threadIdx.x] = 1;
}
`;

simulated('misuse gives the status that CUDA gives', () => {
  const handles: LibraryHandle[] = [];
  let cuda: DriverFunctions;
  let lt: CublasLtFunctions;
  let image: Uint8Array;
  let context: bigint;

  beforeAll(async () => {
    const { driver, nvrtc, cublasLt } = simulatedLibraries();
    handles.push(koffi.load(driver), koffi.load(cublasLt));
    cuda = findFunctions(handles[0] as LibraryHandle, driverSignatures).functions;
    lt = findFunctions(handles[1] as LibraryHandle, cublasLtSignatures).functions;
    const { compiler } = await openCompiler({ library: nvrtc });
    image = (await compiler?.compile(text, { name: 'test.cu', architecture: 110 }))?.image as Uint8Array;
  });

  beforeEach(() => {
    simulatedControl().configure();
    expect(cuda.cuInit(0)).toBe(0);
    context = made((cell) => cuda.cuDevicePrimaryCtxRetain(cell, 0));
    expect(cuda.cuCtxSetCurrent(context)).toBe(0);
  });

  afterEach(() => {
    expect(cuda.cuDevicePrimaryCtxRelease_v2(0)).toBe(0);
  });

  afterAll(() => {
    for (const handle of handles) handle.unload();
  });

  const made = (call: (cell: BigUint64Array) => number): bigint => {
    const cell = new BigUint64Array(1);
    expect(call(cell)).toBe(0);
    return cell[0] as bigint;
  };
  const openStream = () => made((cell) => cuda.cuStreamCreate(cell, 1));
  const allocate = (bytes: number) => made((cell) => cuda.cuMemAlloc_v2(cell, bytes));
  const cell = () => new BigUint64Array(1);

  it('of contexts and devices', () => {
    expect(cuda.cuDeviceGet(cell(), 1)).toBe(101);
    expect(cuda.cuCtxSetCurrent(5n)).toBe(201);
    expect(cuda.cuCtxSetCurrent(null)).toBe(0);
    expect(cuda.cuMemAlloc_v2(cell(), 16)).toBe(201);
    expect(lt.cublasLtCreate(cell())).toBe(1);
  });

  it('of memory', () => {
    const stream = openStream();
    const address = allocate(100);
    expect(cuda.cuMemAlloc_v2(cell(), 0)).toBe(1);
    expect(cuda.cuMemAlloc_v2(cell(), 2 ** 33)).toBe(2);
    expect(cuda.cuMemFree_v2(address + 4n)).toBe(1);
    expect(cuda.cuMemsetD8Async(address, 0, 101, stream)).toBe(1);
    expect(cuda.cuMemcpyDtoDAsync_v2(address, address + 1n, 100, stream)).toBe(1);
    expect(cuda.cuMemcpyHtoDAsync_v2(0n, new Uint8Array(4), 4, stream)).toBe(1);
    expect(cuda.cuMemFreeHost(address)).toBe(1);
    expect(cuda.cuMemsetD8Async(address, 0, 100, 5n)).toBe(400);
  });

  it('of images and kernels', () => {
    const stream = openStream();
    expect(cuda.cuModuleLoadData(cell(), new Uint8Array(64))).toBe(200);
    const module = made((into) => cuda.cuModuleLoadData(into, image));
    expect(cuda.cuModuleGetFunction(cell(), module, 'testNothing')).toBe(500);
    const kernel = made((into) => cuda.cuModuleGetFunction(into, module, 'testShared'));
    const struct = koffi.alloc('uint64', 1);
    const table = new BigUint64Array([koffi.address(struct)]);
    const launch = (blocks: number, threads: number, shared: number) =>
      cuda.cuLaunchKernel(kernel, blocks, 1, 1, threads, 1, 1, shared, stream, table, null);
    expect(launch(1, 64, 64)).toBe(0);
    expect(launch(0, 64, 64)).toBe(1);
    expect(launch(1, 65, 64)).toBe(701);
    expect(launch(1, 1025, 64)).toBe(1);
    expect(launch(1, 64, 48 * 1024 + 1)).toBe(1);
    expect(cuda.cuFuncSetAttribute(kernel, 8, 227 * 1024 + 1)).toBe(1);
    expect(cuda.cuFuncSetAttribute(kernel, 8, 64 * 1024)).toBe(0);
    expect(launch(1, 64, 64 * 1024)).toBe(0);
    expect(cuda.cuStreamSynchronize(stream)).toBe(0);
    // Past its shared memory: found when it runs, and the device is lost.
    expect(launch(1, 64, 16)).toBe(0);
    expect(cuda.cuStreamSynchronize(stream)).toBe(700);
    expect(cuda.cuMemAlloc_v2(cell(), 16)).toBe(700);
    koffi.free(struct);
  });

  it('of an image for another architecture', () => {
    expect(cuda.cuDevicePrimaryCtxRelease_v2(0)).toBe(0);
    simulatedControl().configure({ architecture: 90 });
    made((into) => cuda.cuDevicePrimaryCtxRetain(into, 0));
    expect(cuda.cuModuleLoadData(cell(), image)).toBe(209);
  });

  it('of captures and graphs', () => {
    const stream = openStream();
    const event = made((into) => cuda.cuEventCreate(into, 0));
    expect(cuda.cuStreamEndCapture(stream, cell())).toBe(401);
    expect(cuda.cuStreamBeginCapture_v2(stream, 1)).toBe(0);
    expect(cuda.cuStreamBeginCapture_v2(stream, 1)).toBe(401);
    expect(cuda.cuEventRecord(event, stream)).toBe(0);
    expect(cuda.cuEventQuery(event)).toBe(907);
    expect(cuda.cuStreamSynchronize(stream)).toBe(900);
    expect(cuda.cuStreamEndCapture(stream, cell())).toBe(901);
    expect(cuda.cuGraphLaunch(5n, stream)).toBe(1);
    expect(cuda.cuGraphExecDestroy(5n)).toBe(1);
    expect(cuda.cuGraphDestroy(5n)).toBe(1);
  });

  it('of events', () => {
    const stream = openStream();
    const [start, end] = [0, 0].map((flags) => made((into) => cuda.cuEventCreate(into, flags))) as [bigint, bigint];
    const time = new Float32Array(1);
    expect(cuda.cuEventQuery(start)).toBe(0);
    expect(cuda.cuEventElapsedTime(time, start, end)).toBe(400);
    expect([cuda.cuEventRecord(start, stream), cuda.cuEventRecord(end, stream)]).toEqual([0, 0]);
    expect(cuda.cuEventElapsedTime(time, start, end)).toBe(600);
    expect(cuda.cuStreamSynchronize(stream)).toBe(0);
    expect(cuda.cuEventElapsedTime(time, start, end)).toBe(0);
    expect(time[0]).toBeGreaterThanOrEqual(0);
    expect(cuda.cuEventDestroy_v2(start)).toBe(0);
    expect(cuda.cuEventQuery(start)).toBe(400);
  });

  it('of products', () => {
    const stream = openStream();
    const library = made((into) => lt.cublasLtCreate(into));
    const description = made((into) => lt.cublasLtMatmulDescCreate(into, 68, 0));
    const layout = (rows: number, columns: number, type = 0) =>
      made((into) => lt.cublasLtMatrixLayoutCreate(into, type, rows, columns, rows));
    const [a, b, c] = [layout(3, 4), layout(4, 2), layout(3, 2)];
    const narrow = layout(4, 2, 14);
    const preference = made((into) => lt.cublasLtMatmulPreferenceCreate(into));
    const results = new Uint8Array(96);
    const count = new Int32Array(1);
    const query = (right: bigint, result: bigint) =>
      lt.cublasLtMatmulAlgoGetHeuristic(library, description, a, right, result, result, preference, 1, results, count);
    expect(query(a, c)).toBe(7);
    expect(query(narrow, c)).toBe(15);
    expect(query(b, c)).toBe(0);
    expect(lt.cublasLtMatmulDescSetAttribute(description, 3, new Uint8Array(3), 3)).toBe(7);
    expect(lt.cublasLtMatmulDescSetAttribute(description, 99, new Uint8Array(4), 4)).toBe(15);
    const algorithm = results.slice(0, 64);
    const [one, zero] = [Float32Array.of(1), Float32Array.of(0)];
    const [x, y, z] = [allocate(48), allocate(36), allocate(24)];
    const multiply = (left: bigint, right: bigint, into: bigint) =>
      lt.cublasLtMatmul(library, description, one, left, a, right, b, zero, into, c, into, c, algorithm, 0n, 0, stream);
    expect(multiply(x, y, z)).toBe(0);
    // The algorithm was chosen for addresses that are multiples of 256.
    expect(multiply(x, y + 4n, z)).toBe(7);
    expect(lt.cublasLtMatmulAlgoCheck(library, description, a, b, c, c, new Uint8Array(64), results)).toBe(7);
    expect(cuda.cuStreamSynchronize(stream)).toBe(0);
    // A left operand of 48 bytes in 24.
    expect(multiply(z, y, x)).toBe(0);
    expect(cuda.cuStreamSynchronize(stream)).toBe(700);
    for (const handle of [a, b, c, narrow]) expect(lt.cublasLtMatrixLayoutDestroy(handle)).toBe(0);
    expect(lt.cublasLtMatrixLayoutDestroy(a)).toBe(7);
    expect(lt.cublasLtMatmulDescDestroy(description)).toBe(0);
    expect(lt.cublasLtMatmulPreferenceDestroy(preference)).toBe(0);
    expect(lt.cublasLtDestroy(library)).toBe(0);
  });
});
