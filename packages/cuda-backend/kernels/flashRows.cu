#include "rowGroup.cuh"
#include "flashRow.cuh"

struct FlashRowsParameters {
  const void *output;
  const void *dy;
  const float *statistics;
  FlashRow *rows;
  i64 count;  // of rows
  AttentionShape shape;
  i32 places;  // rows of one head
  i32 outputStorage;
  i32 dyStorage;
  i32 unused;
};

// 16 threads a row.
PEFT_KERNEL(flashRows, FlashRowsParameters, 128) {
  const i64 index = (i64)block * 8 + threadIdx.x / 16;
  if (index >= p.count) return;
  const u32 head = (u32)index / (u32)p.places;
  const i32 query = (i32)((u32)index % (u32)p.places);
  const AttentionShape &shape = p.shape;
  const bool isThere = query < shape.queries;
  float sum = 0.0f;
  if (isThere) {
    const Rows output = rowsOf(p.output, p.outputStorage, shape, head, shape.queries, shape.width);
    const Rows dy = rowsOf(p.dy, p.dyStorage, shape, head, shape.queries, shape.width);
    for (i32 column = threadIdx.x % 16 * 8; column < shape.width; column += 128) {
      float left[8], right[8];
      readEight(output.data, query * output.stride + column, p.outputStorage, eightOf(column, shape.width), 0.0f, left);
      readEight(dy.data, query * dy.stride + column, p.dyStorage, eightOf(column, shape.width), 0.0f, right);
#pragma unroll
      for (i32 i = 0; i < 8; i++) sum = fmaf(left[i], right[i], sum);
    }
  }
  for (i32 distance = 8; distance > 0; distance /= 2) {
    sum += __shfl_xor_sync(0xffffu << (threadIdx.x % 32 / 16 * 16), sum, distance);
  }
  if (threadIdx.x % 16 == 0) {
    const float *statistics = p.statistics + 2 * ((i64)head * shape.queries + query);
    p.rows[index] = isThere ? FlashRow{statistics[0], log2f(statistics[1]), sum, 0.0f} : FlashRow{0.0f, -noScore, 0.0f, 0.0f};
  }
}
