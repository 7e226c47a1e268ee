#include "eight.cuh"

// Turns the pairs (i, i + half) of each row by the angles of its place, or back where the sine is negated.
struct RotaryParameters {
  const void *x;
  const void *cosines;
  const void *sines;
  void *y;
  i64 groups;  // of eight pairs; the last of a row may be short
  u32 places;
  i32 half;
  float sign;  // of the sine
  i32 xStorage;
  i32 cosinesStorage;
  i32 sinesStorage;
  i32 yStorage;
};

// Every number is read by the thread that writes it, so that y may be x.
PEFT_KERNEL(rotary, RotaryParameters, 256) {
  const i32 perRow = (p.half + 7) / 8;
  for (i64 group = (i64)block * blockDim.x + threadIdx.x; group < p.groups; group += (i64)blocks * blockDim.x) {
    const i64 row = group / perRow;
    const i32 column = (i32)(group % perRow) * 8;
    const i32 count = p.half - column < 8 ? p.half - column : 8;
    const i64 angle = (row % p.places) * p.half + column;
    const i64 left = row * 2 * p.half + column;
    float first[8], second[8], cosines[8], sines[8];
    readEight(p.x, left, p.xStorage, count, 0.0f, first);
    readEight(p.x, left + p.half, p.xStorage, count, 0.0f, second);
    readEight(p.cosines, angle, p.cosinesStorage, count, 0.0f, cosines);
    readEight(p.sines, angle, p.sinesStorage, count, 0.0f, sines);
#pragma unroll
    for (i32 i = 0; i < 8; i++) {
      const float x = first[i];
      first[i] = x * cosines[i] - p.sign * second[i] * sines[i];
      second[i] = second[i] * cosines[i] + p.sign * x * sines[i];
    }
    writeEight(p.y, left, p.yStorage, count, first);
    writeEight(p.y, left + p.half, p.yStorage, count, second);
  }
}
