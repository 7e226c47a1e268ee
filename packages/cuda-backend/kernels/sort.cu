#include "order.cuh"
#include "sort.cuh"

struct TopRowsParameters {
  const void *from;  // [rows, length]
  void *values;      // [rows, k]
  i32 *places;       // [rows, k]
  u32 length;
  u32 k;
  u32 size;  // keys in shared memory: a power of two, at least length
  i32 fromStorage;
  i32 valuesStorage;
};

// Ascending keys are descending numbers, equal ones in the order of their places; NaN comes first.
__device__ __forceinline__ u64 descendingKey(const void *from, i64 start, u32 place, i32 storage) {
  u32 order;
  if (isInteger(storage)) {
    order = orderOf(loadInteger(from, start + place, storage));
  } else {
    const float x = loadFloat(from, start + place, storage);
    order = x != x ? 0xffffffffu : orderOf(x);
  }
  return (u64)~order << 32 | place;
}

__device__ __forceinline__ void storeNumber(const void *from, i64 at, i32 fromStorage, void *to, i64 place,
                                            i32 toStorage) {
  if (isInteger(fromStorage)) storeInteger(to, place, toStorage, loadInteger(from, at, fromStorage));
  else storeFloat(to, place, toStorage, loadFloat(from, at, fromStorage));
}

// The largest k numbers of a row a block, the whole row in shared memory.
PEFT_KERNEL(topRows, TopRowsParameters, 1024) {
  PEFT_DYNAMIC_SHARED(shared);
  u64 *keys = (u64 *)shared;
  const i64 start = (i64)block * p.length;
  for (u32 i = threadIdx.x; i < p.size; i += blockDim.x) {
    keys[i] = i < p.length ? descendingKey(p.from, start, i, p.fromStorage) : ~0ull;
  }
  sortKeys(keys, p.size);
  __syncthreads();
  for (u32 i = threadIdx.x; i < p.k; i += blockDim.x) {
    const u32 place = (u32)keys[i];
    p.places[(i64)block * p.k + i] = (i32)place;
    storeNumber(p.from, start + place, p.fromStorage, p.values, (i64)block * p.k + i, p.valuesStorage);
  }
}

struct TopTilesParameters {
  const void *from;  // [rows, length]
  u64 *keys;         // [rows, tiles, kept]
  u32 length;
  u32 tiles;
  u32 size;  // keys of a tile: a power of two
  u32 kept;
  i32 fromStorage;
};

// The first keys of every tile of every row, in order.
PEFT_KERNEL(topTiles, TopTilesParameters, 1024) {
  PEFT_DYNAMIC_SHARED(shared);
  u64 *keys = (u64 *)shared;
  const u32 first = block % p.tiles * p.size;
  const i64 start = (i64)(block / p.tiles) * p.length;
  for (u32 i = threadIdx.x; i < p.size; i += blockDim.x) {
    keys[i] = first + i < p.length ? descendingKey(p.from, start, first + i, p.fromStorage) : ~0ull;
  }
  sortKeys(keys, p.size);
  __syncthreads();
  for (u32 i = threadIdx.x; i < p.kept; i += blockDim.x) p.keys[(i64)block * p.kept + i] = keys[i];
}

struct TopMergeParameters {
  const u64 *keys;   // [rows, tiles, kept]
  const void *from;  // [rows, length]
  void *values;      // [rows, k]
  i32 *places;       // [rows, k]
  i64 count;         // of keys
  u32 length;
  u32 k;
  u32 tiles;
  u32 kept;
  i32 fromStorage;
  i32 valuesStorage;
};

// Puts each key of a row's tiles where it belongs among all of them, where that is among the first k: a thread a key.
PEFT_KERNEL(topMerge, TopMergeParameters, 256) {
  const i64 index = (i64)block * blockDim.x + threadIdx.x;
  if (index >= p.count) return;
  const u32 own = (u32)(index % p.kept);
  const u32 tile = (u32)(index / p.kept % p.tiles);
  const i64 row = index / p.kept / p.tiles;
  const u64 *keys = p.keys + row * p.tiles * p.kept;
  const u32 place = placeAmongTiles(keys, p.tiles, p.kept, tile, own, p.k);
  if (place >= p.k) return;
  const u32 from = (u32)p.keys[index];
  p.places[row * p.k + place] = (i32)from;
  storeNumber(p.from, row * p.length + from, p.fromStorage, p.values, row * p.k + place, p.valuesStorage);
}
