#include "tensorCore.cuh"

// Tiles of rows of `width` numbers in shared memory, and what a warp multiplies them by. A warp's matrices of 16 rows lie
// in registers as `multiplyAdd` has them: entry [n][i] is row g + 8 (i / 2), column 8 n + 2 t + i % 2.
template <class T, i32 width> struct Tile;

// Rows of a tensor [tokens, size] in global memory, `stride` numbers apart.
struct Rows {
  const void *data;
  i64 stride;
  i32 tokens;
  i32 size;
};

// Groups of eight numbers change places by their row, so that neither rows nor columns of them share banks.
template <i32 width> struct Tile<bf16, width> {
  static const i32 bytesPerRow = 2 * width;
  static const i32 stages = 2;

  static __device__ __forceinline__ unsigned char *place(unsigned char *tile, i32 row, i32 eight) {
    return tile + row * bytesPerRow + ((eight ^ (row & 7)) << 4);
  }

  // Begins to read `count` rows from `first` on, `columns` numbers of each from `start` on, all multiples of eight, by
  // `threads` threads; zeros stand for what is not there.
  template <i32 threads, i32 count, i32 columns = width>
  static __device__ __forceinline__ void read(unsigned char *tile, const Rows &rows, i32 first, bool isAligned,
                                              i32 start = 0) {
    // A thread reads the same eight columns of every `step`th row: its addresses go on by the same numbers of bytes.
    const i32 eights = columns / 8, step = threads / eights;
    static_assert(step % 8 == 0, "rows of one thread change places alike");
    const i32 own = threadIdx.x / eights, eight = threadIdx.x % eights, column = start + eight * 8;
    const bool hasColumn = column < rows.size;
    const bf16 *from = (const bf16 *)rows.data + (i64)(first + own) * rows.stride + column;
    unsigned char *to = place(tile, own, eight);
    if (isAligned) {
#pragma unroll
      for (i32 i = 0; i < (count + step - 1) / step; i++) {
        const i32 row = own + i * step;
        if (row < count) beginCopy(to + i * step * bytesPerRow, from, hasColumn && first + row < rows.tokens);
        from += step * rows.stride;
      }
      return;
    }
    for (i32 row = own; row < count; row += step) {
      Sixteen words = {};
      for (i32 k = 0; k < 8; k++) {
        if (first + row < rows.tokens && column + k < rows.size) words.word[k / 2] |= (u32)from[k].bits << 16 * (k % 2);
      }
      *(Sixteen *)to = words;
      from += step * rows.stride;
      to += step * bytesPerRow;
    }
  }

  // c += a b' for 16 rows of tile a from `row` on and 8 count rows of tile b from `other` on.
  template <i32 count>
  static __device__ __forceinline__ void multiplyRows(float (&c)[count][4], unsigned char *a, i32 row, unsigned char *b,
                                                      i32 other) {
    const i32 lane = threadIdx.x % 32;
#pragma unroll
    for (i32 k = 0; k < width / 16; k++) {
      u32 left[4], right[4];
      loadMatrices<false>(left, place(a, row + lane % 16, 2 * k + lane / 16));
#pragma unroll
      for (i32 n = 0; n < count; n += 2) {
        loadMatrices<false>(right, place(b, other + 8 * n + lane % 8 + lane / 16 * 8, 2 * k + lane / 8 % 2));
        multiplyAdd(c[n], left, right[0], right[1]);
        multiplyAdd(c[n + 1], left, right[2], right[3]);
      }
    }
  }

  // c += a b for a [16, 8 count] in registers, rounded to bf16, and as many rows of tile b from `row` on.
  template <i32 count>
  static __device__ __forceinline__ void multiplyWeights(float (&c)[width / 8][4], const float (&a)[count][4],
                                                         unsigned char *b, i32 row, unsigned char *) {
    const i32 lane = threadIdx.x % 32;
#pragma unroll
    for (i32 k = 0; k < count; k += 2) {
      const u32 left[4] = {packBf16(a[k][0], a[k][1]), packBf16(a[k][2], a[k][3]),
                           packBf16(a[k + 1][0], a[k + 1][1]), packBf16(a[k + 1][2], a[k + 1][3])};
#pragma unroll
      for (i32 n = 0; n < width / 8; n += 2) {
        u32 right[4];
        loadMatrices<true>(right, place(b, row + 8 * k + lane % 16, n + lane / 16));
        multiplyAdd(c[n], left, right[0], right[1]);
        multiplyAdd(c[n + 1], left, right[2], right[3]);
      }
    }
  }
};

// Exact products on float32 units, in the same layout of registers.
template <i32 width> struct Tile<float, width> {
  // Four numbers apart, neighbouring rows lie in different banks.
  static const i32 bytesPerRow = 4 * (width + 4);
  static const i32 stages = 1;

  static __device__ __forceinline__ float *place(unsigned char *tile, i32 row, i32 column) {
    return (float *)(tile + row * bytesPerRow) + column;
  }

  template <i32 threads, i32 count>
  static __device__ __forceinline__ void read(unsigned char *tile, const Rows &rows, i32 first, bool isAligned) {
    const float *data = (const float *)rows.data;
    for (i32 i = threadIdx.x; i < count * (width / 4); i += threads) {
      const i32 row = i / (width / 4), column = i % (width / 4) * 4;
      const bool isThere = first + row < rows.tokens && column < rows.size;
      const float *from = data + (isThere ? (i64)(first + row) * rows.stride + column : 0);
      float *to = place(tile, row, column);
      if (isAligned) beginCopy(to, from, isThere);
      else {
        for (i32 k = 0; k < 4; k++) to[k] = isThere && column + k < rows.size ? from[k] : 0.0f;
      }
    }
  }

  template <i32 count>
  static __device__ __forceinline__ void multiplyRows(float (&c)[count][4], unsigned char *a, i32 row, unsigned char *b,
                                                      i32 other) {
    const i32 g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll 2
    for (i32 k = 0; k < width; k += 4) {
      const float4 upper = *(const float4 *)place(a, row + g, k), lower = *(const float4 *)place(a, row + g + 8, k);
#pragma unroll
      for (i32 n = 0; n < count; n++) {
#pragma unroll
        for (i32 side = 0; side < 2; side++) {
          const float4 right = *(const float4 *)place(b, other + 8 * n + 2 * t + side, k);
          c[n][side] = add(c[n][side], upper, right);
          c[n][2 + side] = add(c[n][2 + side], lower, right);
        }
      }
    }
  }

  static __device__ __forceinline__ float add(float sum, const float4 &x, const float4 &y) {
    return fmaf(x.w, y.w, fmaf(x.z, y.z, fmaf(x.y, y.y, fmaf(x.x, y.x, sum))));
  }

  // `buffer` is shared memory of this warp alone, for 16 rows of 8 count + 4 numbers.
  template <i32 count>
  static __device__ __forceinline__ void multiplyWeights(float (&c)[width / 8][4], const float (&a)[count][4],
                                                         unsigned char *b, i32 row, unsigned char *buffer) {
    const i32 g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    float *weights = (float *)buffer;
    const i32 stride = 8 * count + 4;
#pragma unroll
    for (i32 n = 0; n < count; n++) {
#pragma unroll
      for (i32 i = 0; i < 4; i++) weights[(g + i / 2 * 8) * stride + 8 * n + 2 * t + i % 2] = a[n][i];
    }
    __syncwarp();
#pragma unroll 2
    for (i32 k = 0; k < 8 * count; k++) {
      const float upper = weights[g * stride + k], lower = weights[(g + 8) * stride + k];
#pragma unroll
      for (i32 n = 0; n < width / 8; n++) {
        const float2 right = *(const float2 *)place(b, row + k, 8 * n + 2 * t);
        c[n][0] = fmaf(upper, right.x, c[n][0]);
        c[n][1] = fmaf(upper, right.y, c[n][1]);
        c[n][2] = fmaf(lower, right.x, c[n][2]);
        c[n][3] = fmaf(lower, right.y, c[n][3]);
      }
    }
    __syncwarp();
  }
};
