#include "eightIntegers.cuh"
#include "elementMath.cuh"

const i32 mostTerms = 64;

// y = the sum of up to 64 operands of one shape, from the first to the last.
struct SumParameters {
  const void *terms[mostTerms];
  void *y;
  i64 count;
  i32 termCount;
  i32 storage;
  i32 storages[mostTerms];
};

__device__ __forceinline__ float sum(float a, float b) { return a + b; }

template <class T> __device__ __forceinline__ void addTerms(const SumParameters &p, u32 block, u32 blocks) {
  const i64 step = (i64)blocks * blockDim.x * 8;
  for (i64 index = ((i64)block * blockDim.x + threadIdx.x) * 8; index < p.count; index += step) {
    const i32 count = p.count - index < 8 ? (i32)(p.count - index) : 8;
    T total[8] = {};
    for (i32 term = 0; term < p.termCount; term++) {
      T values[8];
      readEight(p.terms[term], index, p.storages[term], count, (T)0, values);
#pragma unroll
      for (i32 i = 0; i < 8; i++) total[i] = sum(total[i], values[i]);
    }
    writeEight(p.y, index, p.storage, count, total);
  }
}

PEFT_KERNEL(elementSum, SumParameters, 256) { addTerms<float>(p, block, blocks); }
PEFT_KERNEL(elementSumInteger, SumParameters, 256) { addTerms<i32>(p, block, blocks); }
