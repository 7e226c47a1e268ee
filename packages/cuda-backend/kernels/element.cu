#include "elementCases.cuh"
#include "eightIntegers.cuh"

const i32 mostOuterAxes = 5;

// An operand of an operation on elements; data is null where the operation reads fewer.
struct ElementOperand {
  const void *data;
  // Numbers from one place of each outer axis to the next; 0 repeats.
  i64 steps[mostOuterAxes];
  // The same of the innermost axis: 0 or 1.
  i32 columnStep;
  i32 storage;
};

// y = operation(a, b, c) in rows of `width`.
struct ElementParameters {
  ElementOperand operands[3];
  void *y;
  i64 rows;
  i64 width;
  // The outer axes that y has, and their lengths from the second on.
  i32 axes;
  u32 lengths[mostOuterAxes];
  i32 operation;
  i32 storage;
  // Attributes, for operations on floats and on integers.
  float s;
  float t;
  i32 whole;
};

// A division of 32 bits takes a fraction of one of 64.
__device__ __forceinline__ i64 quotientOf(i64 x, i64 by) {
  return (x | by) >> 32 ? x / by : (i64)((u32)x / (u32)by);
}

template <class From>
__device__ __forceinline__ void readOperand(const ElementParameters &p, i32 number, i64 row, i64 column, i32 count,
                                            From (&values)[8]) {
  const ElementOperand &from = p.operands[number];
  if (!from.data) return;
  i64 index = column * from.columnStep;
  for (i32 axis = p.axes - 1; axis > 0; axis--) {
    const i64 outer = quotientOf(row, p.lengths[axis]);
    index += (row - outer * p.lengths[axis]) * from.steps[axis];
    row = outer;
  }
  index += row * from.steps[0];
  if (from.columnStep != 0) {
    readEight(from.data, index, from.storage, count, (From)0, values);
    return;
  }
  const From value = loadNumber(from.data, index, from.storage, (From)0);
#pragma unroll
  for (i32 i = 0; i < 8; i++) values[i] = value;
}

template <class From, class To>
__device__ __forceinline__ void computeRows(const ElementParameters &p, To s, To t, u32 block, u32 blocks) {
  const i64 packs = (p.width + 7) / 8;
  const i64 step = (i64)blocks * blockDim.x;
  for (i64 pack = (i64)block * blockDim.x + threadIdx.x; pack < p.rows * packs; pack += step) {
    const i64 row = p.rows > 1 ? quotientOf(pack, packs) : 0;
    const i64 column = (pack - row * packs) * 8;
    const i32 count = p.width - column < 8 ? (i32)(p.width - column) : 8;
    From a[8] = {};
    From b[8] = {};
    From c[8] = {};
    To y[8] = {};
    readOperand(p, 0, row, column, count, a);
    readOperand(p, 1, row, column, count, b);
    readOperand(p, 2, row, column, count, c);
    computeEight(p.operation, a, b, c, s, t, y);
    writeEight(p.y, row * p.width + column, p.storage, count, y);
  }
}

PEFT_KERNEL(elementFloat, ElementParameters, 256) { computeRows<float, float>(p, p.s, p.t, block, blocks); }
PEFT_KERNEL(elementQuestion, ElementParameters, 256) { computeRows<float, i32>(p, 0, 0, block, blocks); }
PEFT_KERNEL(elementWiden, ElementParameters, 256) { computeRows<i32, float>(p, 0.0f, 0.0f, block, blocks); }
PEFT_KERNEL(elementInteger, ElementParameters, 256) { computeRows<i32, i32>(p, p.whole, 0, block, blocks); }

struct RangeParameters {
  void *y;
  i64 count;
  i32 storage;
  // Start and step, of floats and of integers.
  float start;
  float step;
  i32 wholeStart;
  i32 wholeStep;
};

PEFT_KERNEL(elementRange, RangeParameters, 256) {
  for (i64 index = (i64)block * blockDim.x + threadIdx.x; index < p.count; index += (i64)blocks * blockDim.x) {
    if (p.storage == storageI32) ((i32 *)p.y)[index] = sum(p.wholeStart, product((i32)index, p.wholeStep));
    else storeFloat(p.y, index, p.storage, fmaf((float)index, p.step, p.start));
  }
}
