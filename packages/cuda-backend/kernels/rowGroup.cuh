// Rows of a matrix shared out to groups of threads: a warp a row, or a block a row.
#include "eight.cuh"

// `size` threads that work on one row: 32, or all of the block.
template <i32 size> struct RowGroup {
  // The row of this thread's group, and its place in it.
  static __device__ __forceinline__ i64 row(u32 block) { return (i64)block * (blockDim.x / size) + threadIdx.x / size; }

  static __device__ __forceinline__ i32 lane() { return threadIdx.x % size; }

  static __device__ __forceinline__ float sum(float x) { return size == 32 ? warpSum(x) : blockSum(x); }

  static __device__ __forceinline__ float max(float x) { return size == 32 ? warpMax(x) : blockMax(x); }
};

// How many of eight numbers from `column` on lie within the row.
__device__ __forceinline__ i32 eightOf(i32 column, i32 width) { return width - column < 8 ? width - column : 8; }
