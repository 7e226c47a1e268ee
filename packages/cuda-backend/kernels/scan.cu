// Sums of all numbers before each place of one axis of [outer, length, inner], in a fixed order.

struct ScanParameters {
  const void *from;
  void *to;
  i64 length;
  u32 columns;  // outer times inner
  u32 inner;
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

// A column's first summed place, and numbers from one to the next.
struct Column {
  i64 start;
  i64 step;
};

__device__ __forceinline__ Column columnOf(const ScanParameters &p, u32 column) {
  const i64 top = (i64)(column / p.inner) * p.length * p.inner + column % p.inner;
  return p.isReverse ? Column{top + (p.length - 1) * p.inner, -(i64)p.inner} : Column{top, (i64)p.inner};
}

// One thread a column, from end to end.
template <class Number> __device__ __forceinline__ void scanColumn(const ScanParameters &p, Column column) {
  Number sum = 0;
#pragma unroll 4
  for (i64 step = 0; step < p.length; step++) {
    const i64 at = column.start + step * column.step;
    Number x;
    loadNumber(p, at, x);
    const Number next = plus(sum, x);
    storeNumber(p, at, p.isExclusive ? sum : next);
    sum = next;
  }
}

PEFT_KERNEL(scanColumns, ScanParameters, 256) {
  const u32 column = block * blockDim.x + threadIdx.x;
  if (column >= p.columns) return;
  if (p.toStorage == storageI32) scanColumn<i32>(p, columnOf(p, column));
  else scanColumn<float>(p, columnOf(p, column));
}

// One block a column, four numbers a thread at a time.
template <class Number>
__device__ __forceinline__ void scanTiles(const ScanParameters &p, Column column, Number *warps) {
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
      if (own + i < p.length) loadNumber(p, column.start + (own + i) * column.step, numbers[i]);
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
      storeNumber(p, column.start + (own + i) * column.step, p.isExclusive ? running : next);
      running = next;
    }
  }
}

PEFT_KERNEL(scanRows, ScanParameters, 256) {
  __shared__ u32 warps[8];
  if (p.toStorage == storageI32) scanTiles<i32>(p, columnOf(p, block), (i32 *)warps);
  else scanTiles<float>(p, columnOf(p, block), (float *)warps);
}
