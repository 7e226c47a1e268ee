#include "attentionMask.cuh"
#include "attentionTile.cuh"

// Attention a tile of scores at a time, never all of them: Dao 2023, arXiv:2307.08691. Scores, their exponentials and all
// sums are float32; no sum depends on the order of blocks.

// Sizes of query [batch, heads, queries, size], key [.., keys, size] and value [.., keys, width], or tokens before heads.
struct AttentionShape {
  i32 heads;
  i32 queries;
  i32 keys;
  i32 size;
  i32 width;
  i32 tokensFirst;
  i32 causal;
  float scale;
};

// The tokens of one head; `head` counts over the batch.
__device__ __forceinline__ Rows rowsOf(const void *data, i32 storage, const AttentionShape &shape, u32 head, i32 tokens,
                                       i32 size) {
  const i64 batch = head / (u32)shape.heads, own = head % (u32)shape.heads;
  const i64 place = batch * shape.heads * tokens * size + own * (shape.tokensFirst ? size : (i64)tokens * size);
  const i32 bytes = storage == storageBf16 ? 2 : 4;
  return Rows{(const u8 *)data + place * bytes, shape.tokensFirst ? (i64)shape.heads * size : size, tokens, size};
}

// Whether copies of 16 bytes may read the rows.
__device__ __forceinline__ bool areAligned(const Rows &rows, i32 bytes) {
  return isAligned(rows.data) && rows.size * bytes % 16 == 0;
}

#define log2OfE 1.4426950408889634f
#define noScore (-__uint_as_float(0x7f800000u))
// A row whose largest score is below was hidden whole: then even what a causal query does not see has a share.
#define leastSeen (0.5f * hiddenScore)

// How a kernel shares out rows: `warps` warps of 16 resident rows each, `streamed` rows of the other side at a time.
template <class T> struct Share;
template <> struct Share<bf16> {
  static const i32 warps = 4, streamed = 64, half = 4;
};
template <> struct Share<float> {
  static const i32 warps = 2, streamed = 32, half = 4;
};

// Bytes of the buffers by which warps turn weights around.
template <class T> __device__ __forceinline__ constexpr i32 bufferBytes() {
  return sizeof(T) == 4 ? 16 * (8 * Share<T>::half + 4) * 4 : 0;
}

// What is added to the scores of one key for all queries, where the mask tells no queries apart.
__device__ __forceinline__ float addedToKey(const Mask &mask, i64 row, i32 key, i32 keys) {
  if (key >= keys) return noScore;
  return mask.data && mask.queryStride == 0 ? maskAt(mask, row, key) : 0.0f;
}

// What is added to one score beside that.
__device__ __forceinline__ float addedToScore(const AttentionShape &shape, const Mask &mask, i64 firstRow, i32 query,
                                              i32 key) {
  float added = 0.0f;
  if (mask.data && mask.queryStride != 0 && query < shape.queries && key < shape.keys) {
    added = maskAt(mask, firstRow + (i64)query * mask.queryStride, key);
  }
  if (shape.causal && key >= keysSeen(query, shape.queries, shape.keys)) added += hiddenScore;
  return added;
}

// 16 rows of a warp as the rows of a tensor in global memory, times a factor for the upper and one for the lower eight.
template <i32 width>
__device__ __forceinline__ void writeRows(const Rows &rows, i32 storage, i32 first, const float (&c)[width / 8][4],
                                          float upper, float lower) {
  const i32 g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  const bool isPaired = storage == storageBf16 && rows.size % 2 == 0 && ((u64)rows.data & 3) == 0;
#pragma unroll
  for (i32 side = 0; side < 2; side++) {
    const i32 token = first + g + 8 * side;
    if (token >= rows.tokens) continue;
    const float factor = side ? lower : upper;
    const i64 start = token * rows.stride;
#pragma unroll
    for (i32 n = 0; n < width / 8; n++) {
      const i32 column = 8 * n + 2 * t;
      const float x = c[n][2 * side] * factor, y = c[n][2 * side + 1] * factor;
      if (isPaired) {
        if (column < rows.size) *(u32 *)((bf16 *)rows.data + start + column) = packBf16(x, y);
      } else {
        if (column < rows.size) storeFloat((void *)rows.data, start + column, storage, x);
        if (column + 1 < rows.size) storeFloat((void *)rows.data, start + column + 1, storage, y);
      }
    }
  }
}
