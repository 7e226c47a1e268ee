// What generated kernels call.
#include "dropout.cuh"
#include "eightIntegers.cuh"
#include "elementMath.cuh"
#include "rowGroup.cuh"

template <i32 size> __device__ __forceinline__ float sumOfRow(float x) { return RowGroup<size>::sum(x); }

// The largest number of a row, given to each of its threads; NaN wins.
template <i32 size> __device__ __forceinline__ float largestOfRow(float x) {
  for (i32 distance = 16; distance > 0; distance /= 2) x = larger(x, __shfl_xor_sync(0xffffffffu, x, distance));
  if (size == 32) return x;
  __shared__ float parts[32];
  __syncthreads();
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
  __syncthreads();
  for (u32 warp = 0; warp < blockDim.x / 32; warp++) x = larger(x, parts[warp]);
  return x;
}

template <i32 size> __device__ __forceinline__ float smallestOfRow(float x) { return -largestOfRow<size>(-x); }
