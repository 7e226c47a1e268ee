// Sums of all numbers before each place of one axis of [outer, length, inner], in a fixed order.

struct ScanParameters {
  const void *from;
  void *to;
  i64 columns;  // outer times inner
  i64 length;
  i64 inner;
  i32 isExclusive;
  i32 isReverse;
  i32 fromStorage;
  i32 toStorage;
};

__device__ __forceinline__ void loadNumber(const ScanParameters &p, i64 index, float &x) {
  x = loadFloat(p.from, index, p.fromStorage);
}

__device__ __forceinline__ void loadNumber(const ScanParameters &p, i64 index, i32 &x) {
  x = loadInteger(p.from, index, p.fromStorage);
}

__device__ __forceinline__ void storeNumber(const ScanParameters &p, i64 index, float x) {
  storeFloat(p.to, index, p.toStorage, x);
}

__device__ __forceinline__ void storeNumber(const ScanParameters &p, i64 index, i32 x) {
  storeInteger(p.to, index, p.toStorage, x);
}

__device__ __forceinline__ float plus(float a, float b) { return a + b; }

__device__ __forceinline__ i32 plus(i32 a, i32 b) { return (i32)((u32)a + (u32)b); }

// The place that is summed up as number `step`.
__device__ __forceinline__ i64 placeOf(const ScanParameters &p, i64 column, i64 step) {
  const i64 along = p.isReverse ? p.length - 1 - step : step;
  return (column / p.inner * p.length + along) * p.inner + column % p.inner;
}

// One thread a column, from end to end.
template <class Number> __device__ __forceinline__ void scanColumn(const ScanParameters &p, i64 column) {
  Number sum = 0;
#pragma unroll 4
  for (i64 step = 0; step < p.length; step++) {
    const i64 at = placeOf(p, column, step);
    Number x;
    loadNumber(p, at, x);
    const Number next = plus(sum, x);
    storeNumber(p, at, p.isExclusive ? sum : next);
    sum = next;
  }
}

PEFT_KERNEL(scanColumns, ScanParameters, 256) {
  const i64 column = (i64)block * blockDim.x + threadIdx.x;
  if (column >= p.columns) return;
  if (p.toStorage == storageI32) scanColumn<i32>(p, column);
  else scanColumn<float>(p, column);
}

// One block a column, four numbers a thread at a time.
template <class Number>
__device__ __forceinline__ void scanTiles(const ScanParameters &p, i64 column, Number *warps) {
  const u32 lane = threadIdx.x % 32;
  const u32 warp = threadIdx.x / 32;
  Number carry = 0;
  for (i64 first = 0; first < p.length; first += 4 * blockDim.x) {
    const i64 own = first + 4 * (i64)threadIdx.x;
    Number numbers[4];
    Number sum = 0;
#pragma unroll
    for (i32 i = 0; i < 4; i++) {
      numbers[i] = 0;
      if (own + i < p.length) loadNumber(p, placeOf(p, column, own + i), numbers[i]);
      sum = plus(sum, numbers[i]);
    }
    Number upTo = sum;
#pragma unroll
    for (u32 distance = 1; distance < 32; distance *= 2) {
      const Number other = __shfl_up_sync(0xffffffffu, upTo, distance);
      if (lane >= distance) upTo = plus(other, upTo);
    }
    if (lane == 31) warps[warp] = upTo;
    const Number before = __shfl_up_sync(0xffffffffu, upTo, 1);
    __syncthreads();
    Number running = carry;
    for (u32 each = 0; each < blockDim.x / 32; each++) {
      if (each == warp) running = lane == 0 ? carry : plus(carry, before);
      carry = plus(carry, warps[each]);
    }
    __syncthreads();
#pragma unroll
    for (i32 i = 0; i < 4; i++) {
      if (own + i >= p.length) break;
      const Number next = plus(running, numbers[i]);
      storeNumber(p, placeOf(p, column, own + i), p.isExclusive ? running : next);
      running = next;
    }
  }
}

PEFT_KERNEL(scanRows, ScanParameters, 256) {
  __shared__ u32 warps[8];
  if (p.toStorage == storageI32) scanTiles<i32>(p, block, (i32 *)warps);
  else scanTiles<float>(p, block, (float *)warps);
}
