// Eight neighbouring int32 or bool at a time; the same as readEight and writeEight for floats.
#include "eight.cuh"

__device__ __forceinline__ void readEight(const void *data, i64 index, i32 storage, i32 count, i32 other,
                                          i32 (&values)[8]) {
  if (count == 8 && storage == storageI32) {
    const i32 *place = (const i32 *)data + index;
    if (isAligned(place)) {
#pragma unroll
      for (i32 half = 0; half < 2; half++) {
        const Words words = ((const Words *)place)[half];
#pragma unroll
        for (i32 i = 0; i < 4; i++) values[4 * half + i] = (i32)words.word[i];
      }
      return;
    }
  }
#pragma unroll
  for (i32 i = 0; i < 8; i++) values[i] = i < count ? loadInteger(data, index + i, storage) : other;
}

__device__ __forceinline__ void writeEight(void *data, i64 index, i32 storage, i32 count, const i32 (&values)[8]) {
  if (count == 8 && storage == storageI32) {
    i32 *place = (i32 *)data + index;
    if (isAligned(place)) {
#pragma unroll
      for (i32 half = 0; half < 2; half++) {
        Words words;
#pragma unroll
        for (i32 i = 0; i < 4; i++) words.word[i] = (u32)values[4 * half + i];
        ((Words *)place)[half] = words;
      }
      return;
    }
  }
#pragma unroll
  for (i32 i = 0; i < 8; i++) {
    if (i < count) storeInteger(data, index + i, storage, values[i]);
  }
}

__device__ __forceinline__ float loadNumber(const void *data, i64 index, i32 storage, float) {
  return loadFloat(data, index, storage);
}

__device__ __forceinline__ i32 loadNumber(const void *data, i64 index, i32 storage, i32) {
  return loadInteger(data, index, storage);
}
