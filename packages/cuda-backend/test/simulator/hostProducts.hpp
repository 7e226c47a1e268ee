// A product as loops run it, row-major as in src/device/products.ts; storages are 0 for f32 and 1 for bf16.
#pragma once

#include <stdint.h>

struct PeftMatrix {
  int64_t rowStride;
  int64_t batchStride;
  int32_t storage;
  int32_t transposed;
};

struct PeftProduct {
  int64_t rows, columns, inner, batch;
  PeftMatrix a, b, c;
  float alpha, beta;
  int32_t biasStorage;
  int32_t tf32;
};

extern "C" void peftProduct(const PeftProduct *product, uint64_t a, uint64_t b, uint64_t c, uint64_t addend,
                            uint64_t bias);
