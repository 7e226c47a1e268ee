#include "attentionTile.cuh"
#include "eight.cuh"
#include "product.cuh"

// 256 threads make 128 rows and `columns` columns on tensor cores, 64 of the inner axis at a time; `down` warps below each
// other.
template <i32 columns, i32 down, bool transposeA, bool transposeB>
__device__ __forceinline__ void productTile(const ProductParameters &p, const ProductPlace &at,
                                            float (&sums)[128 / down / 16][columns / (8 / down) / 8][4]) {
  const i32 across = 8 / down, warpRows = 128 / down, warpColumns = columns / across, step = 64;
  typedef Tile<bf16, 64> Narrow;
  typedef Tile<bf16, 128> Wide;
  typedef Tile<bf16, (columns > 64 ? 128 : 64)> Columns;
  const i32 aBytes = 128 * Narrow::bytesPerRow;
  const i32 bBytes = transposeB ? columns * Narrow::bytesPerRow : step * Columns::bytesPerRow;
  PEFT_DYNAMIC_SHARED(memory);
  const i32 lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const i32 ownRow = warp / across * warpRows, ownColumn = warp % across * warpColumns;

  const bf16 *aData = (const bf16 *)p.a + at.batch * p.aBatch, *bData = (const bf16 *)p.b + at.batch * p.bBatch;
  // What lies beyond the share of this part is not there.
  const Rows a = {aData, p.aStride, transposeA ? at.end : p.rows, transposeA ? p.rows : at.end};
  const Rows b = {bData, p.bStride, transposeB ? p.columns : at.end, transposeB ? at.end : p.columns};
  const bool aAligned = isAligned(aData) && p.aStride % 8 == 0 && a.size % 8 == 0;
  const bool bAligned = isAligned(bData) && p.bStride % 8 == 0 && b.size % 8 == 0;
  const auto readStep = [&](i32 stage, i32 inner) {
    unsigned char *aTile = memory + stage * (aBytes + bBytes), *bTile = aTile + aBytes;
    if (transposeA) Wide::template read<256, step>(aTile, a, inner, aAligned, at.row);
    else Narrow::template read<256, 128>(aTile, a, at.row, aAligned, inner);
    if (transposeB) Narrow::template read<256, columns>(bTile, b, at.column, bAligned, inner);
    else Columns::template read<256, step, columns>(bTile, b, inner, bAligned, at.column);
  };

  const i32 steps = (at.end - at.begin + step - 1) / step;
  readStep(0, at.begin);
  endGroup();
  for (i32 each = 0; each < steps; each++) {
    if (each + 1 < steps) readStep((each + 1) % 2, at.begin + (each + 1) * step);
    endGroup();
    awaitGroups<1>();
    __syncthreads();
    unsigned char *aTile = memory + each % 2 * (aBytes + bBytes), *bTile = aTile + aBytes;
#pragma unroll
    for (i32 k = 0; k < step / 16; k++) {
      u32 left[warpRows / 16][4];
#pragma unroll
      for (i32 m = 0; m < warpRows / 16; m++) {
        const i32 row = ownRow + 16 * m;
        if (transposeA) {
          loadMatrices<true>(left[m], Wide::place(aTile, 16 * k + lane / 16 * 8 + lane % 8, row / 8 + lane / 8 % 2));
        } else loadMatrices<false>(left[m], Narrow::place(aTile, row + lane % 16, 2 * k + lane / 16));
      }
#pragma unroll
      for (i32 n = 0; n < warpColumns / 8; n += 2) {
        const i32 column = ownColumn + 8 * n;
        u32 right[4];
        if (transposeB) {
          loadMatrices<false>(right, Narrow::place(bTile, column + lane % 8 + lane / 16 * 8, 2 * k + lane / 8 % 2));
        } else loadMatrices<true>(right, Columns::place(bTile, 16 * k + lane % 16, column / 8 + lane / 16));
#pragma unroll
        for (i32 m = 0; m < warpRows / 16; m++) {
          multiplyAdd(sums[m][n], left[m], right[0], right[1]);
          multiplyAdd(sums[m][n + 1], left[m], right[2], right[3]);
        }
      }
    }
    __syncthreads();
  }
  awaitGroups<0>();
}

template <i32 columns, i32 down> __device__ __forceinline__ void productOfTiles(const ProductParameters &p, u32 block) {
  const i32 across = 8 / down, warpRows = 128 / down, warpColumns = columns / across;
  const ProductPlace at = ProductPlace::of<128, columns>(p, block);
  float sums[warpRows / 16][warpColumns / 8][4] = {};
  if (p.transposeA) {
    if (p.transposeB) productTile<columns, down, true, true>(p, at, sums);
    else productTile<columns, down, true, false>(p, at, sums);
  } else if (p.transposeB) productTile<columns, down, false, true>(p, at, sums);
  else productTile<columns, down, false, false>(p, at, sums);

  const i32 lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const i32 ownRow = warp / across * warpRows, ownColumn = warp % across * warpColumns;
#pragma unroll
  for (i32 m = 0; m < warpRows / 16; m++) {
#pragma unroll
    for (i32 n = 0; n < warpColumns / 8; n++) {
#pragma unroll
      for (i32 i = 0; i < 4; i++) {
        const i32 row = at.row + ownRow + 16 * m + lane / 4 + i / 2 * 8;
        writeSum(p, at, row, at.column + ownColumn + 8 * n + 2 * (lane % 4) + i % 2, sums[m][n][i]);
      }
    }
  }
}
