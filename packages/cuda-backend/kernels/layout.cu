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

// Copies numbers from places some steps apart to places some steps apart.
PEFT_KERNEL(copyStrided, CopyParameters, 256) {
  const i64 threads = (i64)blocks * blockDim.x;
  for (i64 index = (i64)block * blockDim.x + threadIdx.x; index < p.count; index += threads) {
    u32 rest = (u32)index;
    i64 from = p.fromStart;
    i64 to = p.toStart;
#pragma unroll 1
    for (i32 axis = p.rank - 1; axis >= 0; axis--) {
      const u32 place = divide(rest, p.lengths[axis]);
      from += place * p.fromSteps[axis];
      to += place * p.toSteps[axis];
    }
    moveUnit(p.from, from, p.to, to, p.unit, 0);
  }
}

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

// A tensor with a border of one number around it.
PEFT_KERNEL(pad, PadParameters, 256) {
  const i64 threads = (i64)blocks * blockDim.x;
  for (i64 index = (i64)block * blockDim.x + threadIdx.x; index < p.count; index += threads) {
    u32 rest = (u32)index;
    i64 place = 0;
    bool isInside = true;
#pragma unroll 1
    for (i32 axis = p.rank - 1; axis >= 0; axis--) {
      const u32 along = divide(rest, p.lengths[axis]);
      isInside = isInside && along >= p.lows[axis] && along < p.highs[axis];
      place += ((i64)along - p.lows[axis]) * p.fromSteps[axis];
    }
    moveUnit(p.from, isInside ? place : -1, p.to, index, p.unit, p.pattern);
  }
}

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
  i32 isJoin;  // from the parts to the whole, or back
  i32 unit;
};

// Blocks are shared out to parts, one range after another.
PEFT_KERNEL(moveParts, PartsParameters, 256) {
  i32 part = 0;
#pragma unroll
  for (i32 step = 32; step > 0; step /= 2) {
    if (part + step < p.partCount && p.firstBlocks[part + step] <= block) part += step;
  }
  const u32 first = p.firstBlocks[part];
  const u32 ofPart = (part + 1 < p.partCount ? p.firstBlocks[part + 1] : blocks) - first;
  const Division width = p.widths[part];
  const i64 count = (i64)p.rows * width.divisor;
  const void *from = p.isJoin ? p.parts[part] : p.whole;
  void *to = p.isJoin ? p.whole : p.parts[part];
  for (i64 index = (i64)(block - first) * blockDim.x + threadIdx.x; index < count; index += (i64)ofPart * blockDim.x) {
    u32 row = (u32)index;
    const u32 column = divide(row, width);
    const i64 inWhole = (i64)row * p.pitch + p.starts[part] + column;
    moveUnit(from, p.isJoin ? index : inWhole, to, p.isJoin ? inWhole : index, p.unit, 0);
  }
}

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
__device__ __forceinline__ void turnTile(const TransposeParameters &p, const From *from, To *to, u32 top, u32 left,
                                         From *tile) {
  const u32 side = 64;
  const u32 pitch = 64 + 4 / sizeof(From);
  const u32 x = threadIdx.x % 32;
  const u32 y = threadIdx.x / 32;
#pragma unroll 8
  for (u32 i = y; i < side; i += 8) {
#pragma unroll
    for (u32 j = x; j < side; j += 32) {
      const u32 row = top + i;
      const u32 column = left + j;
      if (row < p.rows && column < p.columns) tile[i * pitch + j] = from[row * p.fromRowStep + column];
    }
  }
  __syncthreads();
#pragma unroll 8
  for (u32 i = y; i < side; i += 8) {
#pragma unroll
    for (u32 j = x; j < side; j += 32) {
      const u32 row = left + i;
      const u32 column = top + j;
      if (row < p.columns && column < p.rows) move(tile[j * pitch + i], to[row * p.toRowStep + column]);
    }
  }
}

PEFT_KERNEL(transpose, TransposeParameters, 256) {
  __shared__ u32 shared[64 * 65];
  u32 matrix = block;
  const u32 left = divide(matrix, p.tilesAcross) * 64;
  const u32 top = divide(matrix, p.tilesDown) * 64;
  i64 from = p.fromStart;
  i64 to = p.toStart;
#pragma unroll 1
  for (i32 axis = p.rank - 1; axis >= 0; axis--) {
    const u32 place = divide(matrix, p.lengths[axis]);
    from += place * p.fromSteps[axis];
    to += place * p.toSteps[axis];
  }
  switch (p.unit) {
    case unit1: return turnTile(p, (const u8 *)p.from + from, (u8 *)p.to + to, top, left, (u8 *)shared);
    case unit2: return turnTile(p, (const u16 *)p.from + from, (u16 *)p.to + to, top, left, (u16 *)shared);
    case unit4: return turnTile(p, (const u32 *)p.from + from, (u32 *)p.to + to, top, left, shared);
    case unitNarrow: return turnTile(p, (const float *)p.from + from, (bf16 *)p.to + to, top, left, (float *)shared);
    case unitWiden: return turnTile(p, (const bf16 *)p.from + from, (float *)p.to + to, top, left, (bf16 *)shared);
  }
}
