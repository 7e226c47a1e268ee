import { expect, it } from 'vitest';
import { type Field, parameterBlock } from '../../src/device/parameterBlock.ts';
import { launchOnHost } from './hostKernels.ts';
import { hostRuntime, type ThreadOrder } from './hostRuntime.ts';
import { simulated } from './simulated.ts';

const orders: readonly ThreadOrder[] = ['forward', 'reverse', { seed: 1 }, { seed: 2 }];

const source = `
struct Arrays { const float *x; float *y; i64 count; };

PEFT_KERNEL(testTotal, Arrays, 1024) {
  float sum = 0.0f;
  for (i64 i = threadIdx.x; i < p.count; i += blockDim.x) sum += p.x[i];
  sum = blockSum(sum);
  if (threadIdx.x == 0) p.y[block] = sum;
}

PEFT_KERNEL(testRepeated, Arrays, 1024) {
  const float x = p.x[threadIdx.x];
  const float most = blockMax(x), mostOfNegative = blockMax(-1.0f - x);
  const float sum = blockSum(x), doubled = blockSum(2.0f * x);
  float *y = p.y + 4 * threadIdx.x;
  y[0] = most, y[1] = mostOfNegative, y[2] = sum, y[3] = doubled;
}

PEFT_KERNEL(testReversed, Arrays, 1024) {
  PEFT_DYNAMIC_SHARED(memory);
  float *row = (float *)memory;
  row[threadIdx.x] = p.x[block * blockDim.x + threadIdx.x];
  __syncthreads();
  p.y[block * blockDim.x + threadIdx.x] = row[blockDim.x - 1 - threadIdx.x];
}

PEFT_KERNEL(testWithoutBarrier, Arrays, 1024) {
  PEFT_DYNAMIC_SHARED(memory);
  float *row = (float *)memory;
  row[threadIdx.x] = p.x[threadIdx.x];
  p.y[threadIdx.x] = row[blockDim.x - 1 - threadIdx.x];
}

PEFT_KERNEL(testSecondBarrier, Arrays, 1024) {
  __shared__ float last;
  for (i32 turn = 0; turn < 2; turn++) {
    if (threadIdx.x == 40) last = p.x[turn];
    __syncthreads();
    p.y[threadIdx.x] = last;
  }
}

PEFT_KERNEL(testWarpBarrier, Arrays, 1024) {
  __shared__ float row[32];
  row[threadIdx.x] = p.x[threadIdx.x];
  if (p.count == 32) __syncwarp();
  else __shfl_sync(0xffffffffu, 0, 0);
  p.y[threadIdx.x] = row[31 - threadIdx.x];
}

PEFT_KERNEL(testBegunCopy, Arrays, 1024) {
  __shared__ float row[64];
  row[threadIdx.x] = p.x[threadIdx.x];
  __syncthreads();
  const float mine = row[63 - threadIdx.x];
  peftBeginWrite(row + threadIdx.x, 4);
  __syncthreads();
  row[threadIdx.x] = mine;
}

PEFT_KERNEL(testBetweenBlocks, Arrays, 1024) {
  p.y[block * blockDim.x + threadIdx.x] = 1.0f;
  if (p.count == 2) p.y[(block + 1) % blocks * blockDim.x + threadIdx.x] = 2.0f;
}

PEFT_KERNEL(testArrival, Arrays, 1024) { p.y[threadIdx.x] = (float)atomicAdd((i32 *)p.x, 1); }

PEFT_KERNEL(testDivergent, Arrays, 1024) {
  if (threadIdx.x < 40) __syncthreads();
  p.y[threadIdx.x] = 1.0f;
}

PEFT_KERNEL(testLeftWarp, Arrays, 1024) {
  if (threadIdx.x == 3) return;
  p.y[threadIdx.x] = warpSum(p.x[threadIdx.x]);
}

PEFT_KERNEL(testPast, Arrays, 1024) { p.y[p.count + threadIdx.x] = 1.0f; }

PEFT_KERNEL(testNowhere, Arrays, 1024) { *(float *)(64 * p.count) = 1.0f; }

PEFT_KERNEL(testUnaligned, Arrays, 1024) { *(float4 *)p.y = *(const float4 *)(p.x + 1); }

PEFT_KERNEL(testBounds, Arrays, 1024) {
  __shared__ float few[8];
  few[threadIdx.x] = p.x[threadIdx.x];
  __syncthreads();
  p.y[threadIdx.x] = few[0];
}

PEFT_KERNEL(testUnset, Arrays, 1024) {
  __shared__ float few[8];
  p.y[block * 8 + threadIdx.x] = few[threadIdx.x];
  few[threadIdx.x] = 1.0f;
}

PEFT_KERNEL(testShuffles, Arrays, 1024) {
  const u32 lane = threadIdx.x;
  float *y = p.y + 8 * lane;
  y[0] = __shfl_sync(0xffffffffu, (float)lane, 5);
  y[1] = __shfl_up_sync(0xffffffffu, (float)lane, 3);
  y[2] = __shfl_down_sync(0xffffffffu, (float)lane, 3, 8);
  y[3] = __shfl_xor_sync(0xffffffffu, (float)lane, 16);
  y[4] = (float)__popc(__ballot_sync(0xffffffffu, lane % 3 == 0));
  y[5] = (float)__reduce_max_sync(0xffffffffu, (int)lane - 40);
  struct Registers { float first; i32 second; };
  const Registers *all = peftWarpExchange(Registers{(float)lane, (i32)(2 * lane)});
  y[6] = all[31 - lane].first;
  y[7] = (float)all[(lane + 1) % 32].second;
}
`;

function run(
  name: string,
  {
    blocks = 1,
    threads,
    inputs,
    outputs,
    sharedBytes = 0,
    many = false,
  }: {
    readonly blocks?: number;
    readonly threads: number;
    readonly inputs: Float32Array;
    readonly outputs: number;
    readonly sharedBytes?: number;
    readonly many?: boolean;
  },
): Float32Array {
  const runtime = hostRuntime();
  const x = runtime.allocate(inputs.byteLength);
  const y = runtime.allocate(4 * outputs);
  const fields: Field[] = [
    { type: 'pointer', value: x },
    { type: 'pointer', value: y },
    { type: 'i64', value: inputs.length },
  ];
  runtime.write(x, new Uint8Array(inputs.buffer));
  const parameters = parameterBlock(fields);
  const kernel = { file: 'test', name, source };
  const table = runtime.allocate(parameters.bytes.length);
  try {
    if (many) {
      runtime.write(table, parameters.bytes);
      const one = parameterBlock([
        { type: 'pointer', value: table },
        { type: 'u32', value: blocks },
      ]);
      launchOnHost({ ...kernel, name: `${name}Many` }, { blocks, threads, sharedBytes, parameters: one });
    } else launchOnHost(kernel, { blocks, threads, sharedBytes, parameters });
    const bytes = runtime.read(y, 4 * outputs);
    for (const address of [x, y, table]) runtime.free(address);
    return new Float32Array(bytes.buffer);
  } finally {
    runtime.setOrder('forward');
  }
}

const upTo = (count: number) => Float32Array.from({ length: count }, (_, index) => index);

simulated('kernels on the host', () => {
  it.each(orders)('barriers and warp sums give the same in order %o, alone and as one of several', (order) => {
    hostRuntime().setOrder(order);
    expect(run('testTotal', { threads: 256, inputs: upTo(1000), outputs: 1 })).toEqual(Float32Array.of(499500));
    hostRuntime().setOrder(order);
    expect(run('testTotal', { threads: 64, inputs: upTo(1000), outputs: 1, many: true })[0]).toBe(499500);
    hostRuntime().setOrder(order);
    const repeated = run('testRepeated', { threads: 256, inputs: upTo(256), outputs: 1024 });
    expect(Array.from(repeated)).toEqual(Array.from({ length: 256 }, () => [255, -1, 32640, 65280]).flat());
    hostRuntime().setOrder(order);
    const reversed = run('testReversed', { blocks: 3, threads: 96, inputs: upTo(288), outputs: 288, sharedBytes: 384 });
    const expected = [0, 1, 2].flatMap((block) => Array.from({ length: 96 }, (_, i) => block * 96 + 95 - i));
    expect(Array.from(reversed)).toEqual(expected);
  });

  it('threads run in the order that is set, and each seed is an order', () => {
    const arrivals = [...orders, { seed: 1 } as const].map((order) => {
      hostRuntime().setOrder(order);
      return Array.from(run('testArrival', { threads: 64, inputs: new Float32Array(1), outputs: 64 }));
    });
    const [forward, reverse, one, two, again] = arrivals;
    expect(forward).toEqual(Array.from({ length: 64 }, (_, thread) => thread));
    expect(reverse).toEqual(forward?.toReversed());
    expect(one?.toSorted((a, b) => a - b)).toEqual(forward);
    expect(again).toEqual(one);
    expect(two).not.toEqual(one);
  });

  it('operations of a warp read the lanes they should', () => {
    const y = run('testShuffles', { threads: 32, inputs: upTo(32), outputs: 256 });
    for (let lane = 0; lane < 32; lane++) {
      expect(Array.from(y.subarray(8 * lane, 8 * lane + 8)), `lane ${lane}`).toEqual([
        5,
        lane < 3 ? lane : lane - 3,
        lane % 8 > 4 ? lane : lane + 3,
        lane ^ 16,
        11,
        -9,
        31 - lane,
        (2 * (lane + 1)) % 64,
      ]);
    }
  });

  it('shared memory holds NaN before a kernel writes it', () => {
    expect(Array.from(run('testUnset', { blocks: 2, threads: 8, inputs: upTo(1), outputs: 16 }))).toEqual(
      new Array(16).fill(Number.NaN),
    );
  });

  const failures: readonly (readonly [string, number, string])[] = [
    [
      'testDivergent',
      64,
      'testDivergent, block 0 of 1: a barrier that not all threads reach: 40 wait in __syncthreads .thread 39., 24 have returned .thread 63.',
    ],
    [
      'testWithoutBarrier',
      64,
      'testWithoutBarrier, block 0 of 1, thread 32 of 64: writes byte N of shared memory, which was read by thread 31 of block 0 with no barrier between them at ',
    ],
    [
      'testSecondBarrier',
      64,
      'testSecondBarrier, block 0 of 1, thread 40 of 64: writes byte N of shared memory, which was read by thread 39 of block 0 with no barrier between them',
    ],
    [
      'testWarpBarrier',
      32,
      'testWarpBarrier, block 0 of 1, thread 0 of 32: reads byte N of shared memory, which was written by thread 31 of block 0 with no barrier between them',
    ],
    [
      'testBegunCopy',
      64,
      'testBegunCopy, block 0 of 1, thread 32 of 64: reads byte N of shared memory, which was written by thread 31 of block 0 with no barrier between them',
    ],
    ['testLeftWarp', 32, 'calls __shfl_xor_sync with mask ffffffff, but lane 3 has returned'],
    [
      'testUnaligned',
      1,
      'testUnaligned, block 0 of 1, thread 0 of 1: leaves the bounds of an array or reads a number at an address that is no multiple of its size',
    ],
    ['testBounds', 9, 'testBounds, block 0 of 1, thread 8 of 9: leaves the bounds of an array'],
  ];

  it.each(failures)('%s is reported', (name, threads, message) => {
    // Where a variable lies in shared memory is the linker's choice.
    const pattern = new RegExp(message.replaceAll('byte N', 'byte \\d+'));
    expect(() => run(name, { threads, inputs: upTo(64), outputs: 64, sharedBytes: 256 })).toThrow(pattern);
  });

  it('a barrier of the warp orders what its lanes read and write', () => {
    const y = run('testWarpBarrier', { threads: 32, inputs: upTo(32), outputs: 32 });
    expect(Array.from(y)).toEqual(Array.from(upTo(32)).toReversed());
  });

  it('blocks that write the same place are reported; nothing orders them', () => {
    const given = { blocks: 2, threads: 2, outputs: 4 };
    expect(Array.from(run('testBetweenBlocks', { ...given, inputs: upTo(1) }))).toEqual([1, 1, 1, 1]);
    expect(() => run('testBetweenBlocks', { ...given, inputs: upTo(2) })).toThrow(
      'testBetweenBlocks, block 1 of 2, thread 0 of 2: writes byte 8 of an allocation, which was written by thread 0 of block 0 with no barrier between them',
    );
  });

  it('an access past an allocation is reported', () => {
    expect(() => run('testPast', { threads: 1, inputs: upTo(65), outputs: 65 })).toThrow(
      'testPast, block 0 of 1, thread 0 of 1: writes 4 bytes at byte 260 of an allocation of 260 bytes',
    );
    expect(() => run('testNowhere', { threads: 1, inputs: upTo(2), outputs: 1 })).toThrow(
      'testNowhere, block 0 of 1, thread 0 of 1: touches memory that is not its own: 0x80 is in no allocation',
    );
  });

  it('what is written around an allocation without being watched is reported when it is freed', () => {
    const runtime = hostRuntime();
    const address = runtime.allocate(10);
    runtime.fill(address + 12n, 7, 1);
    expect(() => runtime.checkMemory()).toThrow('written 2 bytes past the end of an allocation of 10 bytes');
    expect(() => runtime.free(address)).toThrow('written 2 bytes past the end of an allocation of 10 bytes');
    expect(() => runtime.free(address)).toThrow('is the start of no allocation');
  });

  it('a launch that a device would refuse is refused', () => {
    const parameters = parameterBlock([{ type: 'i64', value: 1 }]);
    const launch = { blocks: 1, threads: 32, parameters };
    expect(() => launchOnHost({ file: 'test', name: 'testTotal', source }, launch)).toThrow(
      'testTotal takes a struct of 24 bytes, and its arguments fill 8.',
    );
    expect(() => launchOnHost({ file: 'test', name: 'testNothing', source }, launch)).toThrow(
      'no kernel is named testNothing.',
    );
    expect(() => run('testTotal', { threads: 1025, inputs: upTo(1), outputs: 1 })).toThrow(
      'testTotal: 1025 threads a block; PEFT_KERNEL says at most 1024.',
    );
    expect(() => run('testTotal', { blocks: 0, threads: 1, inputs: upTo(1), outputs: 1 })).toThrow(
      'testTotal: 0 blocks; a grid has 1 to 2147483647.',
    );
  });
});
