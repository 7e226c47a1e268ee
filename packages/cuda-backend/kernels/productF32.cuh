#include "product.cuh"

// 256 threads make 128 rows and `columns` columns, `step` of the inner axis at a time, each thread `tall` rows and `wide`
// columns: sums of float32 alone. Both tiles lie in shared memory with the inner axis first.
template <i32 columns, i32 tall, i32 wide> struct ExactTile {
  static const i32 rows = 128, step = 16, aWidth = rows + 4, bWidth = columns + 4;
  static const i32 aCount = rows * step / 256, bCount = (columns * step + 255) / 256;
  static_assert(rows / tall * (columns / wide) == 256, "a thread for each part of a tile");

  // Reads a thread's numbers of a tile [step, count]: along the axis that lies in order in memory.
  template <i32 count, i32 own>
  static __device__ __forceinline__ void read(float (&values)[own], const float *data, i64 stride, bool isInnerFirst,
                                              i32 inner, i32 end, i32 place, i32 places) {
#pragma unroll
    for (i32 i = 0; i < own; i++) {
      const i32 index = threadIdx.x + 256 * i;
      const i32 k = inner + (isInnerFirst ? index / count : index % step);
      const i32 at = place + (isInnerFirst ? index % count : index / step);
      const bool isThere = index < count * step && k < end && at < places;
      values[i] = isThere ? data[isInnerFirst ? k * stride + at : at * stride + k] : 0.0f;
    }
  }

  template <i32 count, i32 own, i32 width>
  static __device__ __forceinline__ void keep(float (&tile)[step][width], const float (&values)[own], bool isInnerFirst) {
#pragma unroll
    for (i32 i = 0; i < own; i++) {
      const i32 index = threadIdx.x + 256 * i;
      if (index < count * step) {
        tile[isInnerFirst ? index / count : index % step][isInnerFirst ? index % count : index / step] = values[i];
      }
    }
  }
};

template <i32 columns, i32 tall, i32 wide>
__device__ __forceinline__ void exactProduct(const ProductParameters &p, u32 block) {
  typedef ExactTile<columns, tall, wide> Exact;
  const i32 step = Exact::step;
  __shared__ __align__(16) float aTile[step][Exact::aWidth];
  __shared__ __align__(16) float bTile[step][Exact::bWidth];
  const ProductPlace at = ProductPlace::of<128, columns>(p, block);
  const float *a = (const float *)p.a + at.batch * p.aBatch, *b = (const float *)p.b + at.batch * p.bBatch;
  const i32 ownRow = threadIdx.x / (columns / wide) * tall, ownColumn = threadIdx.x % (columns / wide) * wide;
  float nextA[Exact::aCount], nextB[Exact::bCount];
  const auto read = [&](i32 inner) {
    Exact::template read<128>(nextA, a, p.aStride, p.transposeA, inner, at.end, at.row, p.rows);
    Exact::template read<columns>(nextB, b, p.bStride, !p.transposeB, inner, at.end, at.column, p.columns);
  };

  float sums[tall][wide] = {};
  read(at.begin);
  for (i32 inner = at.begin; inner < at.end; inner += step) {
    Exact::template keep<128>(aTile, nextA, p.transposeA);
    Exact::template keep<columns>(bTile, nextB, !p.transposeB);
    __syncthreads();
    if (inner + step < at.end) read(inner + step);
#pragma unroll 4
    for (i32 k = 0; k < step; k++) {
      float left[tall], right[wide];
#pragma unroll
      for (i32 i = 0; i < tall; i++) left[i] = aTile[k][ownRow + i];
#pragma unroll
      for (i32 i = 0; i < wide; i++) right[i] = bTile[k][ownColumn + i];
#pragma unroll
      for (i32 i = 0; i < tall; i++) {
#pragma unroll
        for (i32 j = 0; j < wide; j++) sums[i][j] = fmaf(left[i], right[j], sums[i][j]);
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (i32 i = 0; i < tall; i++) {
#pragma unroll
    for (i32 j = 0; j < wide; j++) writeSum(p, at, at.row + ownRow + i, at.column + ownColumn + j, sums[i][j]);
  }
}
