// Reductions along one axis of [outer, length, inner]: rows where inner is 1, columns where it is more. All others are
// these in turn. The order of a sum follows from the sizes alone.
#include "order.cuh"

enum Reduction : i32 { reduceSum = 0, reduceProduct = 1, reduceLargest = 2, reduceSmallest = 3 };

__device__ __forceinline__ float startOf(i32 operation, float) {
  if (operation == reduceSum) return 0.0f;
  if (operation == reduceProduct) return 1.0f;
  return __uint_as_float(operation == reduceLargest ? 0xff800000u : 0x7f800000u);
}

__device__ __forceinline__ i32 startOf(i32 operation, i32) {
  if (operation == reduceSum) return 0;
  if (operation == reduceProduct) return 1;
  return operation == reduceLargest ? -2147483647 - 1 : 2147483647;
}

// One NaN among the numbers is the largest and the smallest.
__device__ __forceinline__ float join(i32 operation, float a, float b) {
  if (operation == reduceSum) return a + b;
  if (operation == reduceProduct) return a * b;
  return a != a || (operation == reduceLargest ? a > b : a < b) ? a : b;
}

__device__ __forceinline__ i32 join(i32 operation, i32 a, i32 b) {
  if (operation == reduceSum) return (i32)((u32)a + (u32)b);
  if (operation == reduceProduct) return (i32)((u32)a * (u32)b);
  return (operation == reduceLargest ? a > b : a < b) ? a : b;
}

// Numbers of one storage, `width` neighbours in one access.
template <class Stored, i32 count> struct Stores {
  static const i32 width = count;
  static const i32 bytes = sizeof(Stored);
  typedef float Number;
  struct alignas(count * sizeof(Stored)) Several { Stored number[count]; };
  static __device__ __forceinline__ void load(const void *from, i64 index, i32, float (&numbers)[count]) {
    const Several several = *(const Several *)((const Stored *)from + index);
#pragma unroll
    for (i32 i = 0; i < count; i++) numbers[i] = toFloat(several.number[i]);
  }
};

// Numbers of any storage, one at a time.
struct AnyFloat {
  static const i32 width = 1;
  static const i32 bytes = 1;
  typedef float Number;
  static __device__ __forceinline__ void load(const void *from, i64 index, i32 storage, float (&numbers)[1]) {
    numbers[0] = loadFloat(from, index, storage);
  }
};

struct AnyInteger {
  static const i32 width = 1;
  static const i32 bytes = 1;
  typedef i32 Number;
  static __device__ __forceinline__ void load(const void *from, i64 index, i32 storage, i32 (&numbers)[1]) {
    numbers[0] = loadInteger(from, index, storage);
  }
};

__device__ __forceinline__ void storeResult(void *data, i64 index, i32 storage, float value) {
  storeFloat(data, index, storage, value);
}

__device__ __forceinline__ void storeResult(void *data, i64 index, i32 storage, i32 value) {
  storeInteger(data, index, storage, value);
}

// Divides by the count of a mean; other results have 1.
__device__ __forceinline__ float divided(float x, float divisor) { return divisor == 1.0f ? x : x / divisor; }
__device__ __forceinline__ i32 divided(i32 x, float) { return x; }

struct ReduceRowsParameters {
  const void *from;  // [rows, length]
  void *to;          // [rows, parts]
  i64 length;
  i64 partLength;
  u32 rows;
  u32 parts;
  i32 lanes;  // threads that work on one part: a power of two up to 32, or all of the block
  i32 operation;
  i32 fromStorage;
  i32 toStorage;
  i32 isWide;  // four numbers at a time
  float divisor;
};

// What lane `lane` of `lanes` makes of `count` numbers: those before the first full access, the full ones, the rest.
template <class Numbers>
__device__ __forceinline__ typename Numbers::Number reduceRun(const void *from, i64 first, u32 count, u32 lane,
                                                              u32 lanes, i32 operation, i32 storage) {
  typedef typename Numbers::Number Number;
  const i32 width = Numbers::width;
  Number results[width];
#pragma unroll
  for (i32 i = 0; i < width; i++) results[i] = startOf(operation, Number());
  // A row may begin between two accesses.
  const u32 misplaced = (u32)(((u64)from / Numbers::bytes + first) % width);
  const u32 head = misplaced == 0 ? 0 : (width - misplaced < count ? width - misplaced : count);
  const u32 fulls = (count - head) / width;
#pragma unroll 4
  for (u32 at = lane; at < fulls; at += lanes) {
    Number numbers[width];
    Numbers::load(from, first + head + (i64)at * width, storage, numbers);
#pragma unroll
    for (i32 i = 0; i < width; i++) results[i] = join(operation, results[i], numbers[i]);
  }
  // Fewer than `width` at either end.
  for (u32 at = lane; at < count - fulls * width; at += lanes) {
    const i64 index = first + (at < head ? at : at + fulls * width);
    results[0] = join(operation, results[0], (Number)loadFloat(from, index, storage));
  }
#pragma unroll
  for (i32 i = 1; i < width; i++) results[0] = join(operation, results[0], results[i]);
  return results[0];
}

template <class Numbers>
__device__ __forceinline__ void reduceRowsOf(const ReduceRowsParameters &p, u32 block, i32 operation, u32 *shared) {
  typedef typename Numbers::Number Number;
  const i32 lanes = p.lanes;
  const i32 lane = threadIdx.x % lanes;
  const u32 item = block * (blockDim.x / lanes) + threadIdx.x / lanes;
  const bool isInside = item < p.rows * p.parts;
  const i64 row = item / p.parts;
  const i64 first = item % p.parts * p.partLength;
  const i64 rest = p.length - first;
  const u32 count = isInside ? (u32)(rest < p.partLength ? rest : p.partLength) : 0;
  Number result =
      reduceRun<Numbers>(p.from, row * p.length + first, count, lane, lanes, operation, p.fromStorage);
  for (i32 distance = (lanes < 32 ? lanes : 32) / 2; distance > 0; distance /= 2) {
    result = join(operation, result, __shfl_xor_sync(0xffffffffu, result, distance));
  }
  if (lanes > 32) {
    Number *warps = (Number *)shared;
    if (lane % 32 == 0) warps[lane / 32] = result;
    __syncthreads();
    for (i32 warp = 1; lane == 0 && warp < lanes / 32; warp++) result = join(operation, result, warps[warp]);
  }
  if (isInside && lane == 0) storeResult(p.to, item, p.toStorage, divided(result, p.divisor));
}

// Sums of floats, of which trainings are full, are compiled for their storage; all else finds its way as it runs.
#define PEFT_FOR_NUMBERS(body)                                                                                 \
  if (isInteger(p.fromStorage)) return body<AnyInteger>(p, block, p.operation, shared);                        \
  if (p.operation != reduceSum || !p.isWide) return body<AnyFloat>(p, block, p.operation, shared);             \
  if (p.fromStorage == storageF32) return body<Stores<float, 4>>(p, block, (i32)reduceSum, shared);            \
  return body<Stores<bf16, 4>>(p, block, (i32)reduceSum, shared);

PEFT_KERNEL(reduceRows, ReduceRowsParameters, 256) {
  __shared__ u32 shared[8];
  PEFT_FOR_NUMBERS(reduceRowsOf)
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
  i32 operation;
  i32 fromStorage;
  i32 toStorage;
  i32 isWide;  // four columns at a time
  float divisor;
};

template <class Numbers>
__device__ __forceinline__ void reduceColumnsOf(const ReduceColumnsParameters &p, u32 block, i32 operation,
                                                u32 *shared) {
  typedef typename Numbers::Number Number;
  const i32 width = Numbers::width;
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
  for (i32 i = 0; i < width; i++) results[i] = startOf(operation, Number());
  if (column < p.inner) {
#pragma unroll 4
    for (i64 row = first + y; row < last; row += down) {
      Number numbers[width];
      Numbers::load(p.from, (outer * p.length + row) * p.inner + column, p.fromStorage, numbers);
#pragma unroll
      for (i32 i = 0; i < width; i++) results[i] = join(operation, results[i], numbers[i]);
    }
  }
  Number *waiting = (Number *)shared;
  for (i32 half = down / 2; half > 0; half /= 2) {
    if (y >= half && y < 2 * half) {
#pragma unroll
      for (i32 i = 0; i < width; i++) waiting[((y - half) * p.across + x) * width + i] = results[i];
    }
    __syncthreads();
    if (y < half) {
#pragma unroll
      for (i32 i = 0; i < width; i++) {
        results[i] = join(operation, results[i], waiting[(y * p.across + x) * width + i]);
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

PEFT_KERNEL(reduceColumns, ReduceColumnsParameters, 256) {
  __shared__ u32 shared[512];
  PEFT_FOR_NUMBERS(reduceColumnsOf)
}

struct PlaceParameters {
  const void *from;  // [outer, length, inner]
  void *to;          // [outer, inner]
  u32 outer;
  u32 inner;
  u32 length;
  i32 lanes;  // threads that work on one result: a power of two up to 32, or all of the block
  i32 isSmallest;
  i32 fromStorage;
};

// Keys grow towards the wanted number, and among equals towards the first. As tfjs has it, a NaN is wanted only where it
// comes first.
__device__ __forceinline__ u64 placeKey(const PlaceParameters &p, i64 start, u32 place) {
  const i64 index = start + (i64)place * p.inner;
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
  const u32 item = block * (blockDim.x / p.lanes) + threadIdx.x / p.lanes;
  const bool isInside = item < p.outer * p.inner;
  const i64 start = (i64)(item / p.inner) * p.length * p.inner + item % p.inner;
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
