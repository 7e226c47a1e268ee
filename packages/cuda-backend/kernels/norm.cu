#include "rowGroup.cuh"

// Layer norm, and RMS norm where `centered` is 0. Every number of a row is read by the thread that writes it.
struct NormParameters {
  const void *x;
  const void *gain;
  const void *bias;  // may be null
  void *y;
  float *mean;  // may be null
  float *inverse;
  i64 rows;
  i32 width;
  i32 centered;
  float epsilon;
  i32 xStorage;
  i32 gainStorage;
  i32 biasStorage;
  i32 yStorage;
};

template <i32 size> __device__ __forceinline__ void normalizeRow(const NormParameters &p, u32 block) {
  const i64 row = RowGroup<size>::row(block);
  if (row >= p.rows) return;
  const i64 start = row * p.width;
  const i32 first = RowGroup<size>::lane() * 8;
  float values[8];
  float mean = 0.0f;
  if (p.centered) {
    float sum = 0.0f;
    for (i32 column = first; column < p.width; column += size * 8) {
      readEight(p.x, start + column, p.xStorage, eightOf(column, p.width), 0.0f, values);
#pragma unroll
      for (i32 i = 0; i < 8; i++) sum += values[i];
    }
    mean = RowGroup<size>::sum(sum) / p.width;
  }
  float square = 0.0f;
  for (i32 column = first; column < p.width; column += size * 8) {
    readEight(p.x, start + column, p.xStorage, eightOf(column, p.width), mean, values);
#pragma unroll
    for (i32 i = 0; i < 8; i++) square += (values[i] - mean) * (values[i] - mean);
  }
  const float inverse = 1.0f / sqrtf(RowGroup<size>::sum(square) / p.width + p.epsilon);
  for (i32 column = first; column < p.width; column += size * 8) {
    const i32 count = eightOf(column, p.width);
    float gain[8];
    float bias[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    readEight(p.x, start + column, p.xStorage, count, 0.0f, values);
    readEight(p.gain, column, p.gainStorage, count, 0.0f, gain);
    if (p.bias) readEight(p.bias, column, p.biasStorage, count, 0.0f, bias);
#pragma unroll
    for (i32 i = 0; i < 8; i++) values[i] = (values[i] - mean) * inverse * gain[i] + bias[i];
    writeEight(p.y, start + column, p.yStorage, count, values);
  }
  if (RowGroup<size>::lane() == 0) {
    if (p.mean) p.mean[row] = mean;
    p.inverse[row] = inverse;
  }
}

PEFT_KERNEL(norm32, NormParameters, 128) { normalizeRow<32>(p, block); }
PEFT_KERNEL(norm128, NormParameters, 128) { normalizeRow<128>(p, block); }
PEFT_KERNEL(norm512, NormParameters, 512) { normalizeRow<512>(p, block); }

struct NormGradParameters {
  const void *x;
  const void *gain;
  const float *mean;  // null for an RMS norm
  const float *inverse;
  const void *dy;
  void *dx;
  i64 rows;
  i32 width;
  i32 xStorage;
  i32 gainStorage;
  i32 dyStorage;
  i32 dxStorage;
};

template <i32 size> __device__ __forceinline__ void gradOfRow(const NormGradParameters &p, u32 block) {
  const i64 row = RowGroup<size>::row(block);
  if (row >= p.rows) return;
  const i64 start = row * p.width;
  const i32 first = RowGroup<size>::lane() * 8;
  const float mean = p.mean ? p.mean[row] : 0.0f;
  const float inverse = p.inverse[row];
  float x[8];
  float gain[8];
  float dy[8];
  float all = 0.0f;
  float along = 0.0f;
  for (i32 column = first; column < p.width; column += size * 8) {
    const i32 count = eightOf(column, p.width);
    readEight(p.x, start + column, p.xStorage, count, mean, x);
    readEight(p.gain, column, p.gainStorage, count, 0.0f, gain);
    readEight(p.dy, start + column, p.dyStorage, count, 0.0f, dy);
#pragma unroll
    for (i32 i = 0; i < 8; i++) {
      const float slope = dy[i] * gain[i];
      all += slope;
      along += slope * (x[i] - mean);
    }
  }
  all = p.mean ? RowGroup<size>::sum(all) / p.width : 0.0f;
  along = RowGroup<size>::sum(along) * inverse * inverse / p.width;
  for (i32 column = first; column < p.width; column += size * 8) {
    const i32 count = eightOf(column, p.width);
    readEight(p.x, start + column, p.xStorage, count, mean, x);
    readEight(p.gain, column, p.gainStorage, count, 0.0f, gain);
    readEight(p.dy, start + column, p.dyStorage, count, 0.0f, dy);
#pragma unroll
    for (i32 i = 0; i < 8; i++) dy[i] = inverse * (dy[i] * gain[i] - all - (x[i] - mean) * along);
    writeEight(p.dx, start + column, p.dxStorage, count, dy);
  }
}

PEFT_KERNEL(normGrad32, NormGradParameters, 128) { gradOfRow<32>(p, block); }
PEFT_KERNEL(normGrad128, NormGradParameters, 128) { gradOfRow<128>(p, block); }
PEFT_KERNEL(normGrad512, NormGradParameters, 512) { gradOfRow<512>(p, block); }

struct SoftmaxParameters {
  const void *x;
  void *y;
  i64 rows;
  i32 width;
  i32 xStorage;
  i32 yStorage;
};

template <i32 size> __device__ __forceinline__ void softmaxOfRow(const SoftmaxParameters &p, u32 block) {
  const i64 row = RowGroup<size>::row(block);
  if (row >= p.rows) return;
  const i64 start = row * p.width;
  const i32 first = RowGroup<size>::lane() * 8;
  const float lowest = -__int_as_float(0x7f800000);
  float values[8];
  float top = lowest;
  for (i32 column = first; column < p.width; column += size * 8) {
    readEight(p.x, start + column, p.xStorage, eightOf(column, p.width), lowest, values);
#pragma unroll
    for (i32 i = 0; i < 8; i++) top = fmaxf(top, values[i]);
  }
  top = RowGroup<size>::max(top);
  float sum = 0.0f;
  for (i32 column = first; column < p.width; column += size * 8) {
    readEight(p.x, start + column, p.xStorage, eightOf(column, p.width), lowest, values);
#pragma unroll
    for (i32 i = 0; i < 8; i++) sum += expf(values[i] - top);
  }
  const float scale = 1.0f / RowGroup<size>::sum(sum);
  for (i32 column = first; column < p.width; column += size * 8) {
    const i32 count = eightOf(column, p.width);
    readEight(p.x, start + column, p.xStorage, count, lowest, values);
#pragma unroll
    for (i32 i = 0; i < 8; i++) values[i] = expf(values[i] - top) * scale;
    writeEight(p.y, start + column, p.yStorage, count, values);
  }
}

PEFT_KERNEL(softmax32, SoftmaxParameters, 128) { softmaxOfRow<32>(p, block); }
PEFT_KERNEL(softmax128, SoftmaxParameters, 128) { softmaxOfRow<128>(p, block); }
PEFT_KERNEL(softmax512, SoftmaxParameters, 512) { softmaxOfRow<512>(p, block); }
