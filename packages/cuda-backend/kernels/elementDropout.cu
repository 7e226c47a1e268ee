#include "dropout.cuh"
#include "eight.cuh"

// y = x times the mask, and the mask.
struct DropoutParameters {
  const void *x;
  const i32 *key;
  void *y;
  void *mask;
  i64 count;
  u32 threshold;
  float factor;
  i32 xStorage;
  i32 yStorage;
  i32 maskStorage;
};

PEFT_KERNEL(elementDropout, DropoutParameters, 256) {
  const DropoutKeys keys = dropoutKeys(p.key);
  const i64 step = (i64)blocks * blockDim.x * 8;
  for (i64 index = ((i64)block * blockDim.x + threadIdx.x) * 8; index < p.count; index += step) {
    const i32 count = p.count - index < 8 ? (i32)(p.count - index) : 8;
    float x[8];
    float mask[8];
    readEight(p.x, index, p.xStorage, count, 0.0f, x);
#pragma unroll
    for (i32 i = 0; i < 8; i++) {
      mask[i] = dropoutFactor((u32)index + i, keys, p.threshold, p.factor);
      x[i] *= mask[i];
    }
    writeEight(p.y, index, p.yStorage, count, x);
    writeEight(p.mask, index, p.maskStorage, count, mask);
  }
}
