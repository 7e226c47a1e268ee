#include "division.cuh"
#include "unit.cuh"

// Axes of a copy, the last one the fastest; steps are counted in units.
struct CopyParameters {
  const void *from;
  void *to;
  i64 fromStart;
  i64 toStart;
  i64 fromSteps[8];
  i64 toSteps[8];
  Division lengths[8];
  i32 rank;
  u32 count;
  i32 unit;
};

__device__ __forceinline__ void locate(const CopyParameters &p, u32 index, i64 &from, i64 &to) {
  from = p.fromStart;
  to = p.toStart;
  for (i32 axis = p.rank - 1; axis > 0; axis--) {
    const u32 place = divide(index, p.lengths[axis]);
    from += place * p.fromSteps[axis];
    to += place * p.toSteps[axis];
  }
  from += index * p.fromSteps[0];
  to += index * p.toSteps[0];
}

// Four units a thread on the way at once.
template <class From, class To>
__device__ __forceinline__ void copyUnits(const CopyParameters &p, u32 block, u32 blocks) {
  const i64 threads = (i64)blocks * blockDim.x;
  for (i64 first = (i64)block * blockDim.x + threadIdx.x; first < p.count; first += 4 * threads) {
    From units[4];
    i64 places[4];
#pragma unroll
    for (i32 i = 0; i < 4; i++) {
      if (first + i * threads >= p.count) break;
      i64 from;
      locate(p, (u32)(first + i * threads), from, places[i]);
      units[i] = ((const From *)p.from)[from];
    }
#pragma unroll
    for (i32 i = 0; i < 4; i++) {
      if (first + i * threads >= p.count) break;
      To unit;
      move(units[i], unit);
      ((To *)p.to)[places[i]] = unit;
    }
  }
}

// Copies numbers from places a few steps apart to places a few steps apart.
PEFT_KERNEL(copyStrided, CopyParameters, 256) { PEFT_FOR_UNIT(p.unit, copyUnits, p, block, blocks) }

// Axes of the padded result; `from` is read where every place lies in [low, high) of its axis.
struct PadParameters {
  const void *from;
  void *to;
  i64 fromSteps[8];
  Division lengths[8];
  u32 lows[8];
  u32 highs[8];
  i32 rank;
  u32 count;
  i32 unit;
  u32 pattern;
};

template <class From, class To>
__device__ __forceinline__ void padUnits(const PadParameters &p, u32 block, u32 blocks) {
  const i64 threads = (i64)blocks * blockDim.x;
  for (i64 index = (i64)block * blockDim.x + threadIdx.x; index < p.count; index += threads) {
    u32 rest = (u32)index;
    i64 from = 0;
    bool isInside = true;
    for (i32 axis = p.rank - 1; axis >= 0; axis--) {
      const u32 place = axis > 0 ? divide(rest, p.lengths[axis]) : rest;
      isInside = isInside && place >= p.lows[axis] && place < p.highs[axis];
      from += ((i64)place - p.lows[axis]) * p.fromSteps[axis];
    }
    To unit;
    if (isInside) move(((const From *)p.from)[from], unit);
    else fillUnit(p.pattern, unit);
    ((To *)p.to)[index] = unit;
  }
}

// A tensor with a border of one number around it.
PEFT_KERNEL(pad, PadParameters, 256) { PEFT_FOR_UNIT(p.unit, padUnits, p, block, blocks) }

// Parts [rows, width] side by side in a whole of [rows, pitch]; widths are counted in units.
struct PartsParameters {
  void *parts[64];
  void *whole;
  u32 firstBlocks[64];
  u32 starts[64];
  Division widths[64];
  i32 partCount;
  u32 rows;
  u32 pitch;
  i32 unit;
};

// Shares blocks out to parts: the part of this block, and which of the part's blocks it is.
__device__ __forceinline__ i32 partOf(const PartsParameters &p, u32 block, u32 blocks, u32 &own, u32 &ofPart) {
  i32 part = 0;
  for (i32 step = 32; step > 0; step /= 2) {
    if (part + step < p.partCount && p.firstBlocks[part + step] <= block) part += step;
  }
  own = block - p.firstBlocks[part];
  ofPart = (part + 1 < p.partCount ? p.firstBlocks[part + 1] : blocks) - p.firstBlocks[part];
  return part;
}

template <class From, class To>
__device__ __forceinline__ void joinUnits(const PartsParameters &p, u32 block, u32 blocks) {
  u32 own, ofPart;
  const i32 part = partOf(p, block, blocks, own, ofPart);
  const Division width = p.widths[part];
  const i64 count = (i64)p.rows * width.divisor;
  for (i64 index = (i64)own * blockDim.x + threadIdx.x; index < count; index += (i64)ofPart * blockDim.x) {
    u32 row = (u32)index;
    const u32 column = divide(row, width);
    To unit;
    move(((const From *)p.parts[part])[index], unit);
    ((To *)p.whole)[(i64)row * p.pitch + p.starts[part] + column] = unit;
  }
}

template <class From, class To>
__device__ __forceinline__ void splitUnits(const PartsParameters &p, u32 block, u32 blocks) {
  u32 own, ofPart;
  const i32 part = partOf(p, block, blocks, own, ofPart);
  const Division width = p.widths[part];
  const i64 count = (i64)p.rows * width.divisor;
  for (i64 index = (i64)own * blockDim.x + threadIdx.x; index < count; index += (i64)ofPart * blockDim.x) {
    u32 row = (u32)index;
    const u32 column = divide(row, width);
    To unit;
    move(((const From *)p.whole)[(i64)row * p.pitch + p.starts[part] + column], unit);
    ((To *)p.parts[part])[index] = unit;
  }
}

PEFT_KERNEL(joinParts, PartsParameters, 256) { PEFT_FOR_UNIT(p.unit, joinUnits, p, block, blocks) }

PEFT_KERNEL(splitParts, PartsParameters, 256) { PEFT_FOR_UNIT(p.unit, splitUnits, p, block, blocks) }

// Matrices [rows, columns] turned to [columns, rows], over up to six leading axes; steps are counted in numbers.
struct TransposeParameters {
  const void *from;
  void *to;
  i64 fromStart;
  i64 toStart;
  i64 fromSteps[6];
  i64 toSteps[6];
  i64 fromRowStep;
  i64 toRowStep;
  Division lengths[6];
  Division tilesDown;
  Division tilesAcross;
  i32 rank;
  u32 rows;
  u32 columns;
  i32 unit;
};

// A tile of 64 x 64 numbers through shared memory, rows padded so that a column meets every bank once.
template <class From, class To>
__device__ __forceinline__ void turnTile(const TransposeParameters &p, u32 block, u32 *shared) {
  const u32 side = 64;
  const u32 pitch = side + 4 / sizeof(From);
  From *tile = (From *)shared;
  u32 matrix = block;
  const u32 left = divide(matrix, p.tilesAcross) * side;
  const u32 top = divide(matrix, p.tilesDown) * side;
  const From *from = (const From *)p.from + p.fromStart;
  To *to = (To *)p.to + p.toStart;
  for (i32 axis = p.rank - 1; axis >= 0; axis--) {
    const u32 place = axis > 0 ? divide(matrix, p.lengths[axis]) : matrix;
    from += place * p.fromSteps[axis];
    to += place * p.toSteps[axis];
  }
  const u32 x = threadIdx.x % 32;
  const u32 y = threadIdx.x / 32;
#pragma unroll
  for (u32 i = 0; i < side; i += 8) {
#pragma unroll
    for (u32 j = 0; j < side; j += 32) {
      const u32 row = top + y + i;
      const u32 column = left + x + j;
      if (row < p.rows && column < p.columns) tile[(y + i) * pitch + x + j] = from[row * p.fromRowStep + column];
    }
  }
  __syncthreads();
#pragma unroll
  for (u32 i = 0; i < side; i += 8) {
#pragma unroll
    for (u32 j = 0; j < side; j += 32) {
      const u32 row = left + y + i;
      const u32 column = top + x + j;
      if (row < p.columns && column < p.rows) {
        move(tile[(x + j) * pitch + y + i], to[row * p.toRowStep + column]);
      }
    }
  }
}

PEFT_KERNEL(transpose, TransposeParameters, 256) {
  __shared__ u32 tile[64 * 65];
  switch (p.unit) {
    case unit1: return turnTile<u8, u8>(p, block, tile);
    case unit2: return turnTile<u16, u16>(p, block, tile);
    case unit4: return turnTile<u32, u32>(p, block, tile);
    case unitNarrow: return turnTile<float, bf16>(p, block, tile);
    case unitWiden: return turnTile<bf16, float>(p, block, tile);
  }
}
