#include "eight.cuh"

// What is added to the scores [batch, queries, keys] of attention, read as if it were as large as they.
struct Mask {
  const void *data;  // may be null
  i64 strides[4];    // of the axes of the batch
  i64 queryStride;
  i64 keyStride;
  u32 sizes[3];      // of the axes of the batch but the first
  i32 storage;
};

// Where the row of one query begins.
__device__ __forceinline__ i64 maskRow(const Mask &mask, u32 batch, u32 query) {
  i64 place = (i64)query * mask.queryStride;
#pragma unroll
  for (i32 axis = 3; axis > 0; axis--) {
    place += (i64)(batch % mask.sizes[axis - 1]) * mask.strides[axis];
    batch /= mask.sizes[axis - 1];
  }
  return place + (i64)batch * mask.strides[0];
}

__device__ __forceinline__ float maskAt(const Mask &mask, i64 row, u32 key) {
  return loadFloat(mask.data, row + (i64)key * mask.keyStride, mask.storage);
}

// Adds what is added to eight neighbouring scores, `count` of which there are.
__device__ __forceinline__ void addMask(const Mask &mask, i64 row, i32 key, i32 count, float (&scores)[8]) {
  if (!mask.data) return;
  float added[8];
  if (mask.keyStride == 1) readEight(mask.data, row + key, mask.storage, count, 0.0f, added);
  else {
#pragma unroll
    for (i32 i = 0; i < 8; i++) added[i] = i < count ? maskAt(mask, row, key + i) : 0.0f;
  }
#pragma unroll
  for (i32 i = 0; i < 8; i++) scores[i] += added[i];
}

// What is added to the score of a key that a causal query does not see.
#define hiddenScore -1e9f

// How many keys a causal query sees, the last query being at the last key.
__device__ __forceinline__ i32 keysSeen(i32 query, i32 queries, i32 keys) { return query + keys - queries + 1; }
