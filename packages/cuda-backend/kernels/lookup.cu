#include "division.cuh"
#include "sort.cuh"
#include "unit.cuh"

// An id that is no row reads NaN, or 0 among integers; no memory is read for it.

struct GatherParameters {
  const void *from;  // [batches, outer, rows, inner]
  const i32 *ids;    // [batches, count]
  void *to;          // [batches, outer, count, inner]
  Division inner;
  Division count;
  Division outer;
  u32 units;
  u32 rows;
  i32 unit;
  u32 missing;
};

PEFT_KERNEL(gather, GatherParameters, 256) {
  const i64 threads = (i64)blocks * blockDim.x;
  for (i64 index = (i64)block * blockDim.x + threadIdx.x; index < p.units; index += threads) {
    u32 rest = (u32)index;
    const u32 column = divide(rest, p.inner);
    const u32 outer = quotient(rest, p.count);
    const u32 place = rest - outer * p.count.divisor;
    const u32 id = (u32)p.ids[(i64)quotient(outer, p.outer) * p.count.divisor + place];
    const i64 from = id < p.rows ? ((i64)outer * p.rows + id) * p.inner.divisor + column : -1;
    moveUnit(p.from, from, p.to, index, p.unit, p.missing);
  }
}

// Where tuples of ids point: the leading axes of a tensor, steps counted in what is looked up.
struct Places {
  i32 steps[8];
  i32 lengths[8];
  i32 depth;
};

// -1 for a tuple that leaves the tensor.
__device__ __forceinline__ i64 placeOf(const Places &places, const i32 *ids, i64 tuple) {
  i64 place = 0;
#pragma unroll 1
  for (i32 axis = 0; axis < places.depth; axis++) {
    const i32 id = ids[tuple * places.depth + axis];
    if (id < 0 || id >= places.lengths[axis]) return -1;
    place += (i64)id * places.steps[axis];
  }
  return place;
}

struct GatherTuplesParameters {
  const void *from;  // [rows, inner]
  const i32 *ids;    // [count, depth]
  void *to;          // [count, inner]
  Places places;
  Division inner;
  u32 units;
  i32 unit;
  u32 missing;
};

PEFT_KERNEL(gatherTuples, GatherTuplesParameters, 256) {
  const i64 threads = (i64)blocks * blockDim.x;
  for (i64 index = (i64)block * blockDim.x + threadIdx.x; index < p.units; index += threads) {
    u32 tuple = (u32)index;
    const u32 column = divide(tuple, p.inner);
    const i64 row = placeOf(p.places, p.ids, tuple);
    moveUnit(p.from, row < 0 ? -1 : row * p.inner.divisor + column, p.to, index, p.unit, p.missing);
  }
}

struct OneHotParameters {
  const i32 *ids;
  void *to;  // [ids, depth]
  Division depth;
  u32 count;
  u32 on;
  u32 off;
  i32 bytes;
};

template <i32 bytes> __device__ __forceinline__ void writeOneHot(const OneHotParameters &p, u32 block, u32 blocks) {
  const i64 threads = (i64)blocks * blockDim.x;
  for (i64 index = (i64)block * blockDim.x + threadIdx.x; index < p.count; index += threads) {
    u32 id = (u32)index;
    const u32 place = divide(id, p.depth);
    fillUnit((u32)p.ids[id] == place ? p.on : p.off, ((Bytes<bytes> *)p.to)[index]);
  }
}

PEFT_KERNEL(oneHot, OneHotParameters, 256) {
  switch (p.bytes) {
    case 1: return writeOneHot<1>(p, block, blocks);
    case 2: return writeOneHot<2>(p, block, blocks);
    default: return writeOneHot<4>(p, block, blocks);
  }
}

// Rows added up at their places without atomics: sorted by place and then by position, equal places are neighbours.
// Tuples that leave the tensor come last and add nothing.
const u32 noRow = 0xffffffffu;

struct ScatterSortParameters {
  const i32 *ids;  // [count, depth]
  u64 *keys;       // [tiles, size], each in order: the row above the position
  Places places;
  u32 count;
  u32 size;  // keys of a tile: a power of two
};

PEFT_KERNEL(scatterSort, ScatterSortParameters, 1024) {
  PEFT_DYNAMIC_SHARED(shared);
  u64 *keys = (u64 *)shared;
  const u32 first = block * p.size;
  for (u32 i = threadIdx.x; i < p.size; i += blockDim.x) {
    const u32 position = first + i;
    keys[i] = position < p.count ? (u64)(u32)placeOf(p.places, p.ids, position) << 32 | position : ~0ull;
  }
  sortKeys(keys, p.size);
  __syncthreads();
  for (u32 i = threadIdx.x; i < p.size; i += blockDim.x) p.keys[first + i] = keys[i];
}

struct ScatterMergeParameters {
  const u64 *tiles;  // [tiles, size]
  u64 *keys;         // [count]
  u32 tileCount;
  u32 size;
  u32 count;
};

// One order out of those of the tiles: a thread a key.
PEFT_KERNEL(scatterMerge, ScatterMergeParameters, 256) {
  const u32 index = block * blockDim.x + threadIdx.x;
  if (index >= p.tileCount * p.size) return;
  const u32 place = placeAmongTiles(p.tiles, p.tileCount, p.size, index / p.size, index % p.size, p.count);
  if (place < p.count) p.keys[place] = p.tiles[index];
}

struct ScatterSumParameters {
  const u64 *keys;
  const void *updates;  // [count, inner]
  void *to;             // [rows, inner], zero
  void *partial;        // [chunks, 2, inner]: of the row that a chunk goes on with, and of the one that leaves it
  Division inner;
  u32 count;
  i32 updatesStorage;
  i32 toStorage;
};

const u32 chunkLength = 32;

__device__ __forceinline__ u32 rowOf(u64 key) { return (u32)(key >> 32); }

__device__ __forceinline__ void loadUpdate(const ScatterSumParameters &p, i64 index, float &x) {
  x = loadFloat(p.updates, index, p.updatesStorage);
}

__device__ __forceinline__ void loadUpdate(const ScatterSumParameters &p, i64 index, i32 &x) {
  x = loadInteger(p.updates, index, p.updatesStorage);
}

__device__ __forceinline__ void storeSum(const ScatterSumParameters &p, i64 index, float x) {
  storeFloat(p.to, index, p.toStorage, x);
}

__device__ __forceinline__ void storeSum(const ScatterSumParameters &p, i64 index, i32 x) {
  storeInteger(p.to, index, p.toStorage, x);
}

__device__ __forceinline__ float plus(float a, float b) { return a + b; }

__device__ __forceinline__ i32 plus(i32 a, i32 b) { return (i32)((u32)a + (u32)b); }

template <class Number> __device__ __forceinline__ void sumChunk(const ScatterSumParameters &p, u32 chunk, u32 column) {
  const i64 inner = p.inner.divisor;
  const u32 first = chunk * chunkLength;
  const u32 end = first + chunkLength < p.count ? first + chunkLength : p.count;
  Number *partial = (Number *)p.partial + chunk * 2 * inner + column;
  u32 row = rowOf(p.keys[first]);
  bool isContinued = first > 0 && rowOf(p.keys[first - 1]) == row;
  Number sum = 0;
  for (u32 next = first; next < end && row != noRow; next += 8) {
    u32 rows[8];
    Number numbers[8];
#pragma unroll
    for (u32 i = 0; i < 8; i++) {
      if (next + i >= end) break;
      const u64 key = p.keys[next + i];
      rows[i] = rowOf(key);
      loadUpdate(p, (i64)(u32)key * inner + column, numbers[i]);
    }
#pragma unroll
    for (u32 i = 0; i < 8; i++) {
      if (next + i >= end) break;
      if (rows[i] != row) {
        if (isContinued) partial[0] = sum;
        else storeSum(p, row * inner + column, sum);
        isContinued = false;
        row = rows[i];
        sum = 0;
      }
      sum = plus(sum, numbers[i]);
    }
  }
  if (row == noRow) return;
  if (isContinued) partial[0] = sum;
  else if (end < p.count && rowOf(p.keys[end]) == row) partial[inner] = sum;
  else storeSum(p, row * inner + column, sum);
}

// Adds up the runs of one row within 32 keys, in order: a thread a column.
PEFT_KERNEL(scatterSum, ScatterSumParameters, 256) {
  u32 chunk = block * blockDim.x + threadIdx.x;
  const u32 column = divide(chunk, p.inner);
  if (chunk * chunkLength >= p.count) return;
  if (p.toStorage == storageI32 || p.toStorage == storageU8) sumChunk<i32>(p, chunk, column);
  else sumChunk<float>(p, chunk, column);
}

template <class Number> __device__ __forceinline__ void joinRuns(const ScatterSumParameters &p, u32 chunk, u32 column) {
  const i64 inner = p.inner.divisor;
  const u32 first = chunk * chunkLength;
  const u32 end = first + chunkLength;
  if (end >= p.count) return;
  const u32 row = rowOf(p.keys[end - 1]);
  const bool isWhole = first > 0 && rowOf(p.keys[first - 1]) == row;
  if (row == noRow || isWhole || rowOf(p.keys[end]) != row) return;
  const Number *partial = (const Number *)p.partial + column;
  Number sum = partial[(2 * (i64)chunk + 1) * inner];
#pragma unroll 4
  for (u32 next = chunk + 1; next * chunkLength < p.count && rowOf(p.keys[next * chunkLength]) == row; next++) {
    sum = plus(sum, partial[2 * (i64)next * inner]);
  }
  storeSum(p, row * inner + column, sum);
}

// Adds up the runs of rows that go on from chunk to chunk: a thread a column of the chunk in which a row begins.
PEFT_KERNEL(scatterJoin, ScatterSumParameters, 256) {
  u32 chunk = block * blockDim.x + threadIdx.x;
  const u32 column = divide(chunk, p.inner);
  if (chunk * chunkLength >= p.count) return;
  if (p.toStorage == storageI32 || p.toStorage == storageU8) joinRuns<i32>(p, chunk, column);
  else joinRuns<float>(p, chunk, column);
}
