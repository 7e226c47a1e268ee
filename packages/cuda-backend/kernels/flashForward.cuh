#include "flashAttention.cuh"

struct FlashForwardParameters {
  const void *query;
  const void *key;
  const void *value;
  void *output;
  float *statistics;  // of each query its largest score, and the sum of exp(score - largest)
  Mask mask;
  AttentionShape shape;
  i32 outputStorage;
  i32 unused;
};

// A block attends for 16 queries a warp of one head to all keys, `streamed` of them at a time.
template <class T, i32 width> __device__ __forceinline__ void flashForward(const FlashForwardParameters &p, u32 block) {
  typedef Tile<T, width> Tiles;
  typedef Share<T> Shares;
  const i32 threads = 32 * Shares::warps, resident = 16 * Shares::warps, streamed = Shares::streamed, count = streamed / 8;
  const i32 tileBytes = streamed * Tiles::bytesPerRow;
  const i32 storage = sizeof(T) == 2 ? storageBf16 : storageF32;
  PEFT_DYNAMIC_SHARED(memory);
  unsigned char *queryTile = memory;
  unsigned char *keyTiles = queryTile + resident * Tiles::bytesPerRow;
  unsigned char *valueTiles = keyTiles + Tiles::stages * tileBytes;
  float *addedTiles = (float *)(valueTiles + Tiles::stages * tileBytes);
  const i32 warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  unsigned char *buffer = (unsigned char *)(addedTiles + 2 * streamed) + warp * 16 * (streamed + 4) * 4;

  const AttentionShape &shape = p.shape;
  const u32 groups = (shape.queries + resident - 1) / resident;
  // Causal queries that see most keys begin first.
  const i32 firstQuery = (i32)(groups - 1 - block % groups) * resident;
  const u32 head = block / groups;
  const Rows queries = rowsOf(p.query, storage, shape, head, shape.queries, shape.size);
  const Rows keys = rowsOf(p.key, storage, shape, head, shape.keys, shape.size);
  const Rows values = rowsOf(p.value, storage, shape, head, shape.keys, shape.width);
  const bool keysAligned = areAligned(keys, sizeof(T)), valuesAligned = areAligned(values, sizeof(T));
  const i64 maskStart = maskRow(p.mask, head, 0);

  const i32 tiles = (shape.keys + streamed - 1) / streamed;
  const i32 lastQuery = min(firstQuery + resident, shape.queries) - 1;
  const i32 seen = max(keysSeen(lastQuery, shape.queries, shape.keys), 0);
  i32 end = shape.causal && seen > 0 ? min((seen + streamed - 1) / streamed, tiles) : tiles;

  const auto readTile = [&](i32 tile) {
    const i32 stage = tile % Tiles::stages, first = tile * streamed;
    Tiles::template read<threads, streamed>(keyTiles + stage * tileBytes, keys, first, keysAligned);
    Tiles::template read<threads, streamed>(valueTiles + stage * tileBytes, values, first, valuesAligned);
  };

  float output[width / 8][4] = {};
  float most[2] = {noScore, noScore}, sum[2] = {0.0f, 0.0f};
  Tiles::template read<threads, resident>(queryTile, queries, firstQuery, areAligned(queries, sizeof(T)));
  readTile(0);
  endGroup();
  if (threadIdx.x < streamed) addedTiles[threadIdx.x] = addedToKey(p.mask, maskStart, threadIdx.x, shape.keys);
  for (i32 tile = 0; tile < end; tile++) {
    if (Tiles::stages == 2) {
      if (tile + 1 < end) readTile(tile + 1);
      endGroup();
      awaitGroups<1>();
    } else awaitGroups<0>();
    __syncthreads();
    // Read here, it is there when it is kept below.
    const float nextAdded =
        threadIdx.x < streamed ? addedToKey(p.mask, maskStart, (tile + 1) * streamed + threadIdx.x, shape.keys) : 0.0f;
    unsigned char *keyTile = keyTiles + tile % Tiles::stages * tileBytes;
    unsigned char *valueTile = valueTiles + tile % Tiles::stages * tileBytes;
    const float *added = addedTiles + tile % 2 * streamed;

    float scores[count][4] = {};
    Tiles::multiplyRows(scores, queryTile, 16 * warp, keyTile, 0);
    const i32 firstKey = tile * streamed;
    const bool isWhole = !(p.mask.data && p.mask.queryStride != 0) &&
                         (!shape.causal || firstKey + streamed <= keysSeen(firstQuery, shape.queries, shape.keys));
#pragma unroll
    for (i32 n = 0; n < count; n++) {
      const float2 ofKeys = *(const float2 *)(added + 8 * n + 2 * t);
#pragma unroll
      for (i32 i = 0; i < 4; i++) {
        scores[n][i] = fmaf(scores[n][i], shape.scale, i % 2 ? ofKeys.y : ofKeys.x);
        if (!isWhole) {
          const i32 query = firstQuery + 16 * warp + g + 8 * (i / 2), key = firstKey + 8 * n + 2 * t + i % 2;
          scores[n][i] += addedToScore(shape, p.mask, maskStart, query, key);
        }
      }
    }

    float before[2];
#pragma unroll
    for (i32 side = 0; side < 2; side++) {
      float largest = most[side];
#pragma unroll
      for (i32 n = 0; n < count; n++) largest = fmaxf(largest, fmaxf(scores[n][2 * side], scores[n][2 * side + 1]));
      largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, 1));
      largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, 2));
      before[side] = powerOfTwo((most[side] - largest) * log2OfE);
      most[side] = largest;
      sum[side] *= before[side];
    }
#pragma unroll
    for (i32 n = 0; n < count; n++) {
#pragma unroll
      for (i32 i = 0; i < 4; i++) {
        scores[n][i] = powerOfTwo((scores[n][i] - most[i / 2]) * log2OfE);
        sum[i / 2] += scores[n][i];
      }
    }
#pragma unroll
    for (i32 n = 0; n < width / 8; n++) {
#pragma unroll
      for (i32 i = 0; i < 4; i++) output[n][i] *= before[i / 2];
    }
    Tiles::multiplyWeights(output, scores, valueTile, 0, buffer);

    if (tile + 1 == end && end < tiles) {
      const bool isHidden = fminf(most[0], most[1]) < leastSeen;
      if (__syncthreads_or(isHidden)) {
        end = tiles;
        if (Tiles::stages == 2) {
          readTile(tile + 1);
          endGroup();
        }
      }
    }
    if (threadIdx.x < streamed) addedTiles[(tile + 1) % 2 * streamed + threadIdx.x] = nextAdded;
    __syncthreads();
    if (Tiles::stages == 1 && tile + 1 < end) {
      readTile(tile + 1);
      endGroup();
    }
  }
  awaitGroups<0>();

#pragma unroll
  for (i32 side = 0; side < 2; side++) {
    sum[side] += __shfl_xor_sync(0xffffffffu, sum[side], 1);
    sum[side] += __shfl_xor_sync(0xffffffffu, sum[side], 2);
    const i32 query = firstQuery + 16 * warp + g + 8 * side;
    if (t == 0 && query < shape.queries) {
      float *statistics = p.statistics + 2 * ((i64)head * shape.queries + query);
      statistics[0] = most[side];
      statistics[1] = sum[side];
    }
  }
  const Rows outputs = rowsOf(p.output, p.outputStorage, shape, head, shape.queries, shape.width);
  writeRows<width>(outputs, p.outputStorage, firstQuery + 16 * warp, output, 1.0f / sum[0], 1.0f / sum[1]);
}
