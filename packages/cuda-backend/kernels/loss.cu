#include "rowGroup.cuh"

// The largest number of a row so far, and the sum of exp(x - top).
struct Partition {
  float top;
  float sum;
};

__device__ __forceinline__ Partition joined(Partition a, Partition b) {
  if (b.sum == 0.0f) return a;
  if (a.sum == 0.0f) return b;
  const float top = fmaxf(a.top, b.top);
  return {top, a.sum * expf(a.top - top) + b.sum * expf(b.top - top)};
}

struct CrossEntropyParameters {
  const void *logits;
  const i32 *labels;
  float *losses;  // a row; null where only the gradient is wanted
  void *gradient;  // may be null, or the logits
  const void *dy;  // null: 1
  i64 rows;
  i32 classes;
  i32 ignore;
  i32 logitsStorage;
  i32 gradientStorage;
  i32 dyStorage;
};

// One block a row: its loss -log softmax(logits)[label], and its gradient (softmax - one at the label) dy. A row whose
// label is `ignore` counts nothing; one whose label is no class has a loss that is not a number.
PEFT_KERNEL(crossEntropy, CrossEntropyParameters, 256) {
  const float lowest = -__int_as_float(0x7f800000);
  const i64 start = (i64)block * p.classes;
  const i32 first = threadIdx.x * 8;
  const i32 stride = blockDim.x * 8;
  const i32 label = p.labels[block];
  const bool isClass = label >= 0 && label < p.classes;
  const bool counts = isClass && label != p.ignore;
  float values[8];
  if (counts) {
    Partition part = {lowest, 0.0f};
    for (i32 column = first; column < p.classes; column += stride) {
      readEight(p.logits, start + column, p.logitsStorage, eightOf(column, p.classes), lowest, values);
      float top = values[0];
#pragma unroll
      for (i32 i = 1; i < 8; i++) top = fmaxf(top, values[i]);
      float sum = 0.0f;
#pragma unroll
      for (i32 i = 0; i < 8; i++) sum += values[i] == lowest ? 0.0f : expf(values[i] - top);
      part = joined(part, {top, sum});
    }
    const float top = blockMax(part.top);
    const float sum = blockSum(part.sum == 0.0f ? 0.0f : part.sum * expf(part.top - top));
    if (threadIdx.x == 0 && p.losses) {
      p.losses[block] = top + logf(sum) - loadFloat(p.logits, start + label, p.logitsStorage);
    }
    if (!p.gradient) return;
    const float dy = p.dy ? loadFloat(p.dy, 0, p.dyStorage) : 1.0f;
    const float scale = 1.0f / sum;
    // The label's own logit may lie where the gradient is written.
    __syncthreads();
    for (i32 column = first; column < p.classes; column += stride) {
      const i32 count = eightOf(column, p.classes);
      readEight(p.logits, start + column, p.logitsStorage, count, lowest, values);
#pragma unroll
      for (i32 i = 0; i < 8; i++) values[i] = (expf(values[i] - top) * scale - (column + i == label ? 1.0f : 0.0f)) * dy;
      writeEight(p.gradient, start + column, p.gradientStorage, count, values);
    }
    return;
  }
  if (threadIdx.x == 0 && p.losses) p.losses[block] = label == p.ignore ? 0.0f : __int_as_float(0x7fc00000);
  if (!p.gradient) return;
#pragma unroll
  for (i32 i = 0; i < 8; i++) values[i] = 0.0f;
  for (i32 column = first; column < p.classes; column += stride) {
    writeEight(p.gradient, start + column, p.gradientStorage, eightOf(column, p.classes), values);
  }
}

struct SumLossesParameters {
  const float *losses;
  void *sum;
  i64 rows;
  i32 sumStorage;
};

// One block: the sum of all losses, always in the same order.
PEFT_KERNEL(sumLosses, SumLossesParameters, 1024) {
  float sum = 0.0f;
  for (i64 row = threadIdx.x; row < p.rows; row += blockDim.x) sum += p.losses[row];
  sum = blockSum(sum);
  if (threadIdx.x == 0) storeFloat(p.sum, 0, p.sumStorage, sum);
}
