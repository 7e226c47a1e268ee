// Matrix products by loops: what the product library does, in f32, with the roundings of its storages.
#include "hostProducts.hpp"

#include <math.h>
#include <string.h>

#include <vector>

namespace {

float asFloat(uint32_t bits) {
  float x;
  memcpy(&x, &bits, 4);
  return x;
}

uint32_t asBits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  return bits;
}

uint16_t toBf16(float x) {
  const uint32_t bits = asBits(x);
  if (x != x) return (uint16_t)((bits >> 16) | 0x40);
  return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/** To ten bits of mantissa, ties away from zero, as the conversion instruction does. */
float toTf32(float x) { return isfinite(x) ? asFloat((asBits(x) + 0x1000) & 0xffffe000u) : x; }

float load(uint64_t address, int64_t place, int32_t storage) {
  if (storage == 1) return asFloat((uint32_t)((const uint16_t *)address)[place] << 16);
  return ((const float *)address)[place];
}

/** A matrix as rows of f32, transposed where it should be. */
void gather(std::vector<float> &into, const PeftMatrix &matrix, uint64_t address, int64_t first, int64_t rows,
            int64_t columns, bool tf32) {
  into.resize((size_t)(rows * columns));
  for (int64_t row = 0; row < rows; row++)
    for (int64_t column = 0; column < columns; column++) {
      const int64_t place =
          first + (matrix.transposed ? column * matrix.rowStride + row : row * matrix.rowStride + column);
      const float value = load(address, place, matrix.storage);
      into[(size_t)(row * columns + column)] = tf32 && matrix.storage == 0 ? toTf32(value) : value;
    }
}

}  // namespace

extern "C" void peftProduct(const PeftProduct *product, uint64_t a, uint64_t b, uint64_t c, uint64_t addend,
                            uint64_t bias) {
  const PeftProduct &p = *product;
  std::vector<float> left, right, row((size_t)p.columns);
  for (int64_t batch = 0; batch < p.batch; batch++) {
    if (batch == 0 || p.a.batchStride) gather(left, p.a, a, batch * p.a.batchStride, p.rows, p.inner, p.tf32);
    if (batch == 0 || p.b.batchStride) gather(right, p.b, b, batch * p.b.batchStride, p.inner, p.columns, p.tf32);
    for (int64_t i = 0; i < p.rows; i++) {
      float *sums = row.data();
      memset(sums, 0, sizeof(float) * (size_t)p.columns);
      for (int64_t k = 0; k < p.inner; k++) {
        const float factor = left[(size_t)(i * p.inner + k)];
        const float *others = right.data() + k * p.columns;
        for (int64_t j = 0; j < p.columns; j++) sums[j] += factor * others[j];
      }
      for (int64_t j = 0; j < p.columns; j++) {
        const int64_t place = batch * p.c.batchStride + i * p.c.rowStride + j;
        float value = p.alpha * sums[j];
        if (p.beta != 0.0f) value += p.beta * load(addend, place, p.c.storage);
        if (bias) value += load(bias, j, p.biasStorage);
        if (p.c.storage == 1) ((uint16_t *)c)[place] = toBf16(value);
        else ((float *)c)[place] = value;
      }
    }
  }
}
