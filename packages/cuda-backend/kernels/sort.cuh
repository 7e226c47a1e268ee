// Sorting of unique keys: a tile in shared memory, and the place of a key among sorted tiles.

// Sorts `size` keys, a power of two, in ascending order (bitonic sort; K. Batcher, 1968). All threads of a block call it
// after they wrote the keys, and read them after a barrier of their own.
__device__ __forceinline__ void sortKeys(u64 *keys, u32 size) {
  bool wasNear = false;
  for (u32 width = 2; width <= size; width *= 2) {
    for (u32 distance = width / 2; distance > 0; distance /= 2) {
      // Up to here a warp's 32 pairs lie within 64 keys of its own.
      const bool isNear = distance <= 32;
      if (isNear && wasNear) __syncwarp();
      else __syncthreads();
      wasNear = isNear;
      for (u32 pair = threadIdx.x; pair < size / 2; pair += blockDim.x) {
        const u32 lower = 2 * pair - (pair & (distance - 1));
        const u32 upper = lower + distance;
        const u64 a = keys[lower];
        const u64 b = keys[upper];
        if ((a > b) == ((lower & width) == 0)) {
          keys[lower] = b;
          keys[upper] = a;
        }
      }
    }
  }
}

// How many of `count` ascending keys are below a key.
__device__ __forceinline__ u32 countBelow(const u64 *keys, u32 count, u64 key) {
  u32 low = 0;
  while (count > 0) {
    const u32 half = count / 2;
    if (keys[low + half] < key) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return low;
}

// The place of key `own` of tile `tile` in the order of all tiles [tiles, pitch]; `most` or more where it is not among
// the first `most`. What fills up a tile is above every key.
__device__ __forceinline__ u32 placeAmongTiles(const u64 *keys, u32 tiles, u32 pitch, u32 tile, u32 own, u32 most) {
  const u64 key = keys[(u64)tile * pitch + own];
  u32 place = own;
  for (u32 other = 0; other < tiles && place < most; other++) {
    if (other != tile) place += countBelow(keys + (u64)other * pitch, pitch, key);
  }
  return place;
}
