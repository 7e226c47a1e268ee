#include "product.cuh"

// Adds up the parts of each number of a product, in order.
PEFT_KERNEL(productSum, ProductParameters, 256) {
  const i64 matrix = (i64)p.rows * p.columns, count = matrix * p.batch;
  const i32 parts = (p.inner + p.share - 1) / p.share;
  for (i64 index = (i64)block * blockDim.x + threadIdx.x; index < count; index += (i64)blocks * blockDim.x) {
    float sum = 0.0f;
#pragma unroll 4
    for (i32 part = 0; part < parts; part++) sum += p.parts[part * count + index];
    const i64 batch = index / matrix;
    const i32 place = (i32)(index % matrix);
    finishProduct(p, batch, place / p.columns, place % p.columns, sum);
  }
}
