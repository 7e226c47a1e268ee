// Unsigned integers in the order of the numbers they stand for, so that a number and its place compare as one key.

// Minus zero is zero. NaN has no order: each caller has its own.
__device__ __forceinline__ u32 orderOf(float x) {
  const u32 bits = x == 0.0f ? 0 : __float_as_uint(x);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

__device__ __forceinline__ u32 orderOf(i32 x) { return (u32)x ^ 0x80000000u; }

__device__ __forceinline__ bool isInteger(i32 storage) { return storage == storageI32 || storage == storageU8; }
