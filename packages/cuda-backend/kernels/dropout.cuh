// Dropout's mask: element i lives where the upper 24 bits of a hash of i, by two keys, reach the rate.

__device__ __forceinline__ u32 mixBits(u32 x) {
  x = (x ^ (x >> 16)) * 0x21f0aaadu;
  x = (x ^ (x >> 15)) * 0x735a2d97u;
  return x ^ (x >> 15);
}

struct DropoutKeys {
  u32 before;
  u32 between;
};

__device__ __forceinline__ DropoutKeys dropoutKeys(const i32 *key) {
  const u32 key0 = (u32)key[0];
  const u32 key1 = (u32)key[1];
  return DropoutKeys{mixBits(mixBits(key0) ^ key1 * 0x9e3779b1u),
                     mixBits(mixBits(key1 ^ 0x85ebca6bu) + key0 * 0xc2b2ae35u)};
}

__device__ __forceinline__ u32 dropoutBits(u32 counter, const DropoutKeys &keys) {
  u32 x = counter ^ keys.before;
  x = (x ^ (x >> 16)) * 0x21f0aaadu;
  x ^= x >> 15;
  x += (x << 9) + keys.between;
  x = (x ^ (x >> 13)) * 0x735a2d97u;
  return x ^ (x >> 15);
}

// 0, or `factor` where the element lives; `threshold` is the rate in steps of 2^-24, rounded up.
__device__ __forceinline__ float dropoutFactor(u32 counter, const DropoutKeys &keys, u32 threshold, float factor) {
  return dropoutBits(counter, keys) >> 8 >= threshold ? factor : 0.0f;
}
