// Reductions along one axis of [outer, length, inner]: rows where inner is 1, columns where it is more. All others are
// these in turn. The order of a sum follows from the sizes alone.
#include "order.cuh"

enum Reduction : i32 { reduceSum = 0, reduceProduct = 1, reduceLargest = 2, reduceSmallest = 3 };

struct SumOf {
  static __device__ __forceinline__ float start(float) { return 0.0f; }
  static __device__ __forceinline__ i32 start(i32) { return 0; }
  static __device__ __forceinline__ float join(float a, float b) { return a + b; }
  static __device__ __forceinline__ i32 join(i32 a, i32 b) { return (i32)((u32)a + (u32)b); }
};

struct ProductOf {
  static __device__ __forceinline__ float start(float) { return 1.0f; }
  static __device__ __forceinline__ i32 start(i32) { return 1; }
  static __device__ __forceinline__ float join(float a, float b) { return a * b; }
  static __device__ __forceinline__ i32 join(i32 a, i32 b) { return (i32)((u32)a * (u32)b); }
};

// One NaN among the numbers is the result.
struct LargestOf {
  static __device__ __forceinline__ float start(float) { return __uint_as_float(0xff800000u); }
  static __device__ __forceinline__ i32 start(i32) { return -2147483647 - 1; }
  static __device__ __forceinline__ float join(float a, float b) { return a != a || a > b ? a : b; }
  static __device__ __forceinline__ i32 join(i32 a, i32 b) { return a > b ? a : b; }
};

struct SmallestOf {
  static __device__ __forceinline__ float start(float) { return __uint_as_float(0x7f800000u); }
  static __device__ __forceinline__ i32 start(i32) { return 2147483647; }
  static __device__ __forceinline__ float join(float a, float b) { return a != a || a < b ? a : b; }
  static __device__ __forceinline__ i32 join(i32 a, i32 b) { return a < b ? a : b; }
};

// Neighbours that are read in one access.
template <class Stored, i32 count> struct alignas(count * sizeof(Stored)) Several { Stored number[count]; };

__device__ __forceinline__ float widened(float x, float) { return x; }
__device__ __forceinline__ float widened(bf16 x, float) { return toFloat(x); }
__device__ __forceinline__ i32 widened(i32 x, i32) { return x; }
__device__ __forceinline__ i32 widened(u8 x, i32) { return x; }

__device__ __forceinline__ void storeResult(void *data, i64 index, i32 storage, float value) {
  storeFloat(data, index, storage, value);
}

__device__ __forceinline__ void storeResult(void *data, i64 index, i32 storage, i32 value) {
  storeInteger(data, index, storage, value);
}

// Divides by the count of a mean; other sums have 1.
__device__ __forceinline__ float divided(float x, float divisor) { return divisor == 1.0f ? x : x / divisor; }
__device__ __forceinline__ i32 divided(i32 x, float) { return x; }

struct ReduceRowsParameters {
  const void *from;  // [rows, length]
  void *to;          // [rows, parts]
  i64 rows;
  i64 length;
  i64 partLength;
  i64 parts;
  i32 lanes;  // threads that work on one part: a power of two up to 32, or all of the block
  i32 operation;
  i32 fromStorage;
  i32 toStorage;
  float divisor;
};

// What lane `lane` of `lanes` makes of `count` numbers: those before the first full 16 bytes, the full ones, the rest.
template <class Operation, class Stored, class Number>
__device__ __forceinline__ Number reduceRun(const Stored *from, i64 count, i32 lane, i32 lanes) {
  const i32 width = 16 / (i32)sizeof(Stored);
  const i64 misplaced = (i64)(((u64)from & 15) / sizeof(Stored));
  const i64 head = misplaced == 0 ? 0 : (width - misplaced < count ? width - misplaced : count);
  Number results[width];
#pragma unroll
  for (i32 i = 0; i < width; i++) results[i] = Operation::start(Number());
  for (i64 i = lane; i < head; i += lanes) results[0] = Operation::join(results[0], widened(from[i], Number()));
  const Several<Stored, width> *full = (const Several<Stored, width> *)(from + head);
  const i64 fulls = (count - head) / width;
#pragma unroll 4
  for (i64 at = lane; at < fulls; at += lanes) {
    const Several<Stored, width> numbers = full[at];
#pragma unroll
    for (i32 i = 0; i < width; i++) results[i] = Operation::join(results[i], widened(numbers.number[i], Number()));
  }
  for (i64 i = head + fulls * width + lane; i < count; i += lanes) {
    results[0] = Operation::join(results[0], widened(from[i], Number()));
  }
#pragma unroll
  for (i32 i = 1; i < width; i++) results[0] = Operation::join(results[0], results[i]);
  return results[0];
}

template <class Operation, class Stored, class Number>
__device__ __forceinline__ void reduceRowsAs(const ReduceRowsParameters &p, u32 block, u32 *shared) {
  const i32 lanes = p.lanes;
  const i32 lane = threadIdx.x % lanes;
  const i64 item = (i64)block * (blockDim.x / lanes) + threadIdx.x / lanes;
  const bool isInside = item < p.rows * p.parts;
  const i64 row = isInside ? item / p.parts : 0;
  const i64 first = isInside ? (item % p.parts) * p.partLength : 0;
  const i64 rest = p.length - first;
  const i64 count = isInside ? (rest < p.partLength ? rest : p.partLength) : 0;
  const Stored *from = (const Stored *)p.from + row * p.length + first;
  Number result = reduceRun<Operation, Stored, Number>(from, count, lane, lanes);
  for (i32 distance = (lanes < 32 ? lanes : 32) / 2; distance > 0; distance /= 2) {
    result = Operation::join(result, __shfl_xor_sync(0xffffffffu, result, distance));
  }
  if (lanes > 32) {
    Number *warps = (Number *)shared;
    if (lane % 32 == 0) warps[lane / 32] = result;
    __syncthreads();
    for (i32 warp = 1; lane == 0 && warp < lanes / 32; warp++) result = Operation::join(result, warps[warp]);
  }
  if (isInside && lane == 0) storeResult(p.to, item, p.toStorage, divided(result, p.divisor));
}

struct ReduceColumnsParameters {
  const void *from;  // [outer, length, inner]
  void *to;          // [outer, parts, inner]
  i64 length;
  i64 inner;
  i64 partLength;
  u32 parts;
  u32 tiles;   // of columns, one after another
  i32 across;  // threads side by side, a power of two; the block's others are below one another
  i32 width;   // neighbouring columns of a thread: 1 or 4
  i32 operation;
  i32 fromStorage;
  i32 toStorage;
  float divisor;
};

template <i32 width, class Operation, class Stored, class Number>
__device__ __forceinline__ void reduceColumnsBy(const ReduceColumnsParameters &p, u32 block, Number *shared) {
  const i32 x = threadIdx.x % p.across;
  const i32 y = threadIdx.x / p.across;
  const i32 down = blockDim.x / p.across;
  const i64 column = ((i64)(block % p.tiles) * p.across + x) * width;
  const u32 part = block / p.tiles % p.parts;
  const i64 outer = block / p.tiles / p.parts;
  const i64 first = part * p.partLength;
  const i64 last = p.length - first < p.partLength ? p.length : first + p.partLength;
  Number results[width];
#pragma unroll
  for (i32 i = 0; i < width; i++) results[i] = Operation::start(Number());
  if (column < p.inner) {
    const Stored *from = (const Stored *)p.from + outer * p.length * p.inner + column;
#pragma unroll 4
    for (i64 row = first + y; row < last; row += down) {
      const Several<Stored, width> numbers = *(const Several<Stored, width> *)(from + row * p.inner);
#pragma unroll
      for (i32 i = 0; i < width; i++) results[i] = Operation::join(results[i], widened(numbers.number[i], Number()));
    }
  }
  for (i32 half = down / 2; half > 0; half /= 2) {
    if (y >= half && y < 2 * half) {
#pragma unroll
      for (i32 i = 0; i < width; i++) shared[((y - half) * p.across + x) * width + i] = results[i];
    }
    __syncthreads();
    if (y < half) {
#pragma unroll
      for (i32 i = 0; i < width; i++) {
        results[i] = Operation::join(results[i], shared[(y * p.across + x) * width + i]);
      }
    }
    __syncthreads();
  }
  if (y > 0 || column >= p.inner) return;
#pragma unroll
  for (i32 i = 0; i < width; i++) {
    storeResult(p.to, (outer * p.parts + part) * p.inner + column + i, p.toStorage, divided(results[i], p.divisor));
  }
}

template <class Operation, class Stored, class Number>
__device__ __forceinline__ void reduceColumnsAs(const ReduceColumnsParameters &p, u32 block, u32 *shared) {
  if (p.width == 4) reduceColumnsBy<4, Operation, Stored, Number>(p, block, (Number *)shared);
  else reduceColumnsBy<1, Operation, Stored, Number>(p, block, (Number *)shared);
}

// Calls body<Operation, Stored, Number>(p, block, shared) for the storage of a stored number.
#define PEFT_FOR_STORED(body, Operation)                                                          \
  switch (p.fromStorage) {                                                                        \
    case storageF32: return body<Operation, float, float>(p, block, shared);                      \
    case storageBf16: return body<Operation, bf16, float>(p, block, shared);                      \
    case storageI32: return body<Operation, i32, i32>(p, block, shared);                          \
    default: return body<Operation, u8, i32>(p, block, shared);                                   \
  }

#define PEFT_FOR_REDUCTION(body)                            \
  switch (p.operation) {                                    \
    case reduceSum: PEFT_FOR_STORED(body, SumOf)            \
    case reduceProduct: PEFT_FOR_STORED(body, ProductOf)    \
    case reduceLargest: PEFT_FOR_STORED(body, LargestOf)    \
    default: PEFT_FOR_STORED(body, SmallestOf)              \
  }

PEFT_KERNEL(reduceRows, ReduceRowsParameters, 256) {
  __shared__ u32 shared[8];
  PEFT_FOR_REDUCTION(reduceRowsAs)
}

PEFT_KERNEL(reduceColumns, ReduceColumnsParameters, 256) {
  __shared__ u32 shared[512];
  PEFT_FOR_REDUCTION(reduceColumnsAs)
}

struct PlaceParameters {
  const void *from;  // [outer, length, inner]
  void *to;          // [outer, inner]
  i64 outer;
  i64 inner;
  u32 length;
  i32 lanes;  // threads that work on one result: a power of two up to 32, or all of the block
  i32 isSmallest;
  i32 fromStorage;
};

// Keys grow towards the wanted number, and among equals towards the first. As tfjs has it, a NaN is wanted only where it
// comes first.
__device__ __forceinline__ u64 placeKey(const PlaceParameters &p, i64 start, u32 place) {
  const i64 index = start + place * p.inner;
  u32 order;
  if (isInteger(p.fromStorage)) {
    order = orderOf(loadInteger(p.from, index, p.fromStorage));
    if (p.isSmallest) order = ~order;
  } else {
    const float x = loadFloat(p.from, index, p.fromStorage);
    order = p.isSmallest ? ~orderOf(x) : orderOf(x);
    if (x != x) order = place == 0 ? 0xffffffffu : 0;
  }
  return (u64)order << 32 | (u32)~place;
}

// The place of the first largest or smallest number.
PEFT_KERNEL(reducePlace, PlaceParameters, 256) {
  __shared__ u64 warps[8];
  const i32 lane = threadIdx.x % p.lanes;
  const i64 item = (i64)block * (blockDim.x / p.lanes) + threadIdx.x / p.lanes;
  const bool isInside = item < p.outer * p.inner;
  const i64 start = isInside ? item / p.inner * p.length * p.inner + item % p.inner : 0;
  u64 best = 0;
#pragma unroll 4
  for (i64 place = lane; isInside && place < p.length; place += p.lanes) {
    const u64 key = placeKey(p, start, (u32)place);
    best = key > best ? key : best;
  }
  for (i32 distance = (p.lanes < 32 ? p.lanes : 32) / 2; distance > 0; distance /= 2) {
    const u64 other = __shfl_xor_sync(0xffffffffu, best, distance);
    best = other > best ? other : best;
  }
  if (p.lanes > 32) {
    if (lane % 32 == 0) warps[lane / 32] = best;
    __syncthreads();
    for (i32 warp = 1; warp < p.lanes / 32; warp++) best = warps[warp] > best ? warps[warp] : best;
  }
  if (isInside && lane == 0) ((i32 *)p.to)[item] = (i32)~(u32)best;
}
