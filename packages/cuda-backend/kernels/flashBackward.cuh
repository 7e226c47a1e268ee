#include "flashRow.cuh"

struct FlashBackwardParameters {
  const void *query;
  const void *key;
  const void *value;
  const void *dy;
  const FlashRow *rows;
  void *dQuery;
  void *dKey;
  void *dValue;
  Mask mask;
  AttentionShape shape;
  i32 places;
  u32 keyBlocks;  // blocks that make gradients of keys and values; the others make those of queries
  i32 dQueryStorage;
  i32 dKeyStorage;
  i32 dValueStorage;
  i32 unused;
};

// The probability of a score and the gradient by it.
__device__ __forceinline__ void gradOfScore(float &score, float &direct, const FlashRow &row) {
  score = powerOfTwo(fmaf(score - row.most, log2OfE, -row.logarithm));
  direct = score * (direct - row.delta);
}

// A block makes the gradients of 16 keys and values a warp of one head, over all queries that see them.
template <class T, i32 width> __device__ __forceinline__ void flashKeyGrad(const FlashBackwardParameters &p, u32 block) {
  typedef Tile<T, width> Tiles;
  typedef Share<T> Shares;
  const i32 threads = 32 * Shares::warps, resident = 16 * Shares::warps, streamed = Shares::streamed, half = Shares::half;
  const i32 tileBytes = streamed * Tiles::bytesPerRow, residentBytes = resident * Tiles::bytesPerRow;
  const i32 storage = sizeof(T) == 2 ? storageBf16 : storageF32;
  PEFT_DYNAMIC_SHARED(memory);
  unsigned char *keyTile = memory;
  unsigned char *valueTile = keyTile + residentBytes;
  unsigned char *queryTiles = valueTile + residentBytes;
  unsigned char *dyTiles = queryTiles + Tiles::stages * tileBytes;
  FlashRow *rowTiles = (FlashRow *)(dyTiles + Tiles::stages * tileBytes);
  const i32 warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  unsigned char *buffer = (unsigned char *)(rowTiles + Tiles::stages * streamed) + warp * bufferBytes<T>();

  const AttentionShape &shape = p.shape;
  const u32 groups = (shape.keys + resident - 1) / resident;
  const i32 firstKey = (i32)(block % groups) * resident;
  const u32 head = block / groups;
  const Rows queries = rowsOf(p.query, storage, shape, head, shape.queries, shape.size);
  const Rows keys = rowsOf(p.key, storage, shape, head, shape.keys, shape.size);
  const Rows values = rowsOf(p.value, storage, shape, head, shape.keys, shape.width);
  const Rows grads = rowsOf(p.dy, storage, shape, head, shape.queries, shape.width);
  const FlashRow *rows = p.rows + (i64)head * p.places;
  const bool queriesAligned = areAligned(queries, sizeof(T)), gradsAligned = areAligned(grads, sizeof(T));
  const i64 maskStart = maskRow(p.mask, head, 0);
  const i32 ownKey = firstKey + 16 * warp + g;

  const i32 tiles = (shape.queries + streamed - 1) / streamed;
  i32 begin = 0;
  if (shape.causal) {
    begin = max(firstKey - shape.keys + shape.queries, 0) / streamed;
    bool isHidden = false;
    if (p.mask.data || shape.queries > shape.keys) {
      for (i32 query = threadIdx.x; query < begin * streamed; query += blockDim.x) isHidden |= rows[query].most < leastSeen;
    }
    if (__syncthreads_or(isHidden)) begin = 0;
  }

  const auto readTile = [&](i32 tile) {
    const i32 stage = tile % Tiles::stages, first = tile * streamed;
    Tiles::template read<threads, streamed>(queryTiles + stage * tileBytes, queries, first, queriesAligned);
    Tiles::template read<threads, streamed>(dyTiles + stage * tileBytes, grads, first, gradsAligned);
    if (threadIdx.x < streamed) beginCopy(rowTiles + stage * streamed + threadIdx.x, rows + first + threadIdx.x, true);
  };

  const float added[2] = {addedToKey(p.mask, maskStart, ownKey, shape.keys),
                          addedToKey(p.mask, maskStart, ownKey + 8, shape.keys)};
  float dKey[width / 8][4] = {}, dValue[width / 8][4] = {};
  Tiles::template read<threads, resident>(keyTile, keys, firstKey, areAligned(keys, sizeof(T)));
  Tiles::template read<threads, resident>(valueTile, values, firstKey, areAligned(values, sizeof(T)));
  readTile(begin);
  endGroup();
  for (i32 tile = begin; tile < tiles; tile++) {
    if (Tiles::stages == 2) {
      if (tile + 1 < tiles) readTile(tile + 1);
      endGroup();
      awaitGroups<1>();
    } else awaitGroups<0>();
    __syncthreads();
    const i32 stage = tile % Tiles::stages, firstQuery = tile * streamed;
    unsigned char *queryTile = queryTiles + stage * tileBytes, *dyTile = dyTiles + stage * tileBytes;
    const FlashRow *rowTile = rowTiles + stage * streamed;
    const bool isWhole = !(p.mask.data && p.mask.queryStride != 0) &&
                         (!shape.causal || firstKey + resident <= keysSeen(firstQuery, shape.queries, shape.keys));
#pragma unroll 1
    for (i32 start = 0; start < streamed; start += 8 * half) {
      float scores[half][4] = {}, direct[half][4] = {};
      Tiles::multiplyRows(scores, keyTile, 16 * warp, queryTile, start);
      Tiles::multiplyRows(direct, valueTile, 16 * warp, dyTile, start);
#pragma unroll
      for (i32 n = 0; n < half; n++) {
#pragma unroll
        for (i32 i = 0; i < 4; i++) {
          const i32 column = start + 8 * n + 2 * t + i % 2;
          scores[n][i] = fmaf(scores[n][i], shape.scale, added[i / 2]);
          if (!isWhole) scores[n][i] += addedToScore(shape, p.mask, maskStart, firstQuery + column, ownKey + 8 * (i / 2));
          gradOfScore(scores[n][i], direct[n][i], rowTile[column]);
        }
      }
      Tiles::multiplyWeights(dValue, scores, dyTile, start, buffer);
      Tiles::multiplyWeights(dKey, direct, queryTile, start, buffer);
    }
    __syncthreads();
    if (Tiles::stages == 1 && tile + 1 < tiles) {
      readTile(tile + 1);
      endGroup();
    }
  }
  awaitGroups<0>();
  const i32 first = firstKey + 16 * warp;
  writeRows<width>(rowsOf(p.dKey, p.dKeyStorage, shape, head, shape.keys, shape.size), p.dKeyStorage, first, dKey,
                   shape.scale, shape.scale);
  writeRows<width>(rowsOf(p.dValue, p.dValueStorage, shape, head, shape.keys, shape.width), p.dValueStorage, first,
                   dValue, 1.0f, 1.0f);
}

// A block makes the gradients of 16 queries a warp of one head, over all keys that they see.
template <class T, i32 width>
__device__ __forceinline__ void flashQueryGrad(const FlashBackwardParameters &p, u32 block) {
  typedef Tile<T, width> Tiles;
  typedef Share<T> Shares;
  const i32 threads = 32 * Shares::warps, resident = 16 * Shares::warps, streamed = Shares::streamed, half = Shares::half;
  const i32 tileBytes = streamed * Tiles::bytesPerRow, residentBytes = resident * Tiles::bytesPerRow;
  const i32 storage = sizeof(T) == 2 ? storageBf16 : storageF32;
  PEFT_DYNAMIC_SHARED(memory);
  unsigned char *queryTile = memory;
  unsigned char *dyTile = queryTile + residentBytes;
  unsigned char *keyTiles = dyTile + residentBytes;
  unsigned char *valueTiles = keyTiles + Tiles::stages * tileBytes;
  float *addedTiles = (float *)(valueTiles + Tiles::stages * tileBytes);
  const i32 warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  unsigned char *buffer = (unsigned char *)(addedTiles + 2 * streamed) + warp * bufferBytes<T>();

  const AttentionShape &shape = p.shape;
  const u32 groups = (shape.queries + resident - 1) / resident;
  const i32 firstQuery = (i32)(groups - 1 - block % groups) * resident;
  const u32 head = block / groups;
  const Rows queries = rowsOf(p.query, storage, shape, head, shape.queries, shape.size);
  const Rows keys = rowsOf(p.key, storage, shape, head, shape.keys, shape.size);
  const Rows values = rowsOf(p.value, storage, shape, head, shape.keys, shape.width);
  const Rows grads = rowsOf(p.dy, storage, shape, head, shape.queries, shape.width);
  const bool keysAligned = areAligned(keys, sizeof(T)), valuesAligned = areAligned(values, sizeof(T));
  const i64 maskStart = maskRow(p.mask, head, 0);
  const i32 ownQuery = firstQuery + 16 * warp + g;
  // Rows of a head go on to a multiple of 64.
  const FlashRow *own = p.rows + (i64)head * p.places + ownQuery;
  const FlashRow rows[2] = {own[0], own[8]};

  const i32 tiles = (shape.keys + streamed - 1) / streamed;
  i32 end = tiles;
  if (shape.causal) {
    const i32 lastQuery = min(firstQuery + resident, shape.queries) - 1;
    const bool isHidden = fminf(rows[0].most, rows[1].most) < leastSeen;
    const i32 seen = max(keysSeen(lastQuery, shape.queries, shape.keys), 0);
    if (!__syncthreads_or(isHidden)) end = min((seen + streamed - 1) / streamed, tiles);
  }

  const auto readTile = [&](i32 tile) {
    const i32 stage = tile % Tiles::stages, first = tile * streamed;
    Tiles::template read<threads, streamed>(keyTiles + stage * tileBytes, keys, first, keysAligned);
    Tiles::template read<threads, streamed>(valueTiles + stage * tileBytes, values, first, valuesAligned);
  };

  float dQuery[width / 8][4] = {};
  Tiles::template read<threads, resident>(queryTile, queries, firstQuery, areAligned(queries, sizeof(T)));
  Tiles::template read<threads, resident>(dyTile, grads, firstQuery, areAligned(grads, sizeof(T)));
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
    const i32 stage = tile % Tiles::stages, firstKey = tile * streamed;
    unsigned char *keyTile = keyTiles + stage * tileBytes, *valueTile = valueTiles + stage * tileBytes;
    const float *added = addedTiles + tile % 2 * streamed;
    const bool isWhole = !(p.mask.data && p.mask.queryStride != 0) &&
                         (!shape.causal || firstKey + streamed <= keysSeen(firstQuery, shape.queries, shape.keys));
#pragma unroll 1
    for (i32 start = 0; start < streamed; start += 8 * half) {
      float scores[half][4] = {}, direct[half][4] = {};
      Tiles::multiplyRows(scores, queryTile, 16 * warp, keyTile, start);
      Tiles::multiplyRows(direct, dyTile, 16 * warp, valueTile, start);
#pragma unroll
      for (i32 n = 0; n < half; n++) {
        const i32 column = start + 8 * n + 2 * t;
        const float2 ofKeys = *(const float2 *)(added + column);
#pragma unroll
        for (i32 i = 0; i < 4; i++) {
          scores[n][i] = fmaf(scores[n][i], shape.scale, i % 2 ? ofKeys.y : ofKeys.x);
          if (!isWhole) {
            scores[n][i] += addedToScore(shape, p.mask, maskStart, ownQuery + 8 * (i / 2), firstKey + column + i % 2);
          }
          gradOfScore(scores[n][i], direct[n][i], rows[i / 2]);
        }
      }
      Tiles::multiplyWeights(dQuery, direct, keyTile, start, buffer);
    }
    if (threadIdx.x < streamed) addedTiles[(tile + 1) % 2 * streamed + threadIdx.x] = nextAdded;
    __syncthreads();
    if (Tiles::stages == 1 && tile + 1 < end) {
      readTile(tile + 1);
      endGroup();
    }
  }
  awaitGroups<0>();
  writeRows<width>(rowsOf(p.dQuery, p.dQueryStorage, shape, head, shape.queries, shape.size), p.dQueryStorage,
                   firstQuery + 16 * warp, dQuery, shape.scale, shape.scale);
}

template <class T, i32 width> __device__ __forceinline__ void flashBackward(const FlashBackwardParameters &p, u32 block) {
  if (block < p.keyBlocks) flashKeyGrad<T, width>(p, block);
  else flashQueryGrad<T, width>(p, block - p.keyBlocks);
}
