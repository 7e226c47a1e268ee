// Eight neighbouring numbers at a time, as one or two accesses of 16 bytes where they lie so.

struct alignas(16) Words {
  u32 word[4];
};

__device__ __forceinline__ bool isAligned(const void *data) { return ((u64)data & 15) == 0; }

// Numbers index to index + count - 1 of an operand; the rest of `values` is `other`.
__device__ __forceinline__ void readEight(const void *data, i64 index, i32 storage, i32 count, float other,
                                          float (&values)[8]) {
  if (count == 8 && storage == storageBf16) {
    const bf16 *place = (const bf16 *)data + index;
    if (isAligned(place)) {
      const Words words = *(const Words *)place;
#pragma unroll
      for (i32 i = 0; i < 4; i++) {
        values[2 * i] = __uint_as_float(words.word[i] << 16);
        values[2 * i + 1] = __uint_as_float(words.word[i] & 0xffff0000u);
      }
      return;
    }
  }
  if (count == 8 && storage == storageF32) {
    const float *place = (const float *)data + index;
    if (isAligned(place)) {
#pragma unroll
      for (i32 half = 0; half < 2; half++) {
        const Words words = ((const Words *)place)[half];
#pragma unroll
        for (i32 i = 0; i < 4; i++) values[4 * half + i] = __uint_as_float(words.word[i]);
      }
      return;
    }
  }
#pragma unroll
  for (i32 i = 0; i < 8; i++) values[i] = i < count ? loadFloat(data, index + i, storage) : other;
}

__device__ __forceinline__ void writeEight(void *data, i64 index, i32 storage, i32 count, const float (&values)[8]) {
  if (count == 8 && storage == storageBf16) {
    bf16 *place = (bf16 *)data + index;
    if (isAligned(place)) {
      Words words;
#pragma unroll
      for (i32 i = 0; i < 4; i++) {
        words.word[i] = (u32)toBf16(values[2 * i]).bits | (u32)toBf16(values[2 * i + 1]).bits << 16;
      }
      *(Words *)place = words;
      return;
    }
  }
  if (count == 8 && storage == storageF32) {
    float *place = (float *)data + index;
    if (isAligned(place)) {
#pragma unroll
      for (i32 half = 0; half < 2; half++) {
        Words words;
#pragma unroll
        for (i32 i = 0; i < 4; i++) words.word[i] = __float_as_uint(values[4 * half + i]);
        ((Words *)place)[half] = words;
      }
      return;
    }
  }
#pragma unroll
  for (i32 i = 0; i < 8; i++) {
    if (i < count) storeFloat(data, index + i, storage, values[i]);
  }
}
