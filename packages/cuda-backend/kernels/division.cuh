// Division of numbers below 2^31 by a number that the host knows, as a multiplication and a shift (Granlund and
// Montgomery, "Division by invariant integers using multiplication", 1994); src/lowering/division.ts makes them.
struct Division {
  u32 divisor;
  u32 multiplier;
  u32 shift;
};

__device__ __forceinline__ u32 quotient(u32 x, const Division &by) {
  return ((u32)(((u64)x * by.multiplier) >> 32) + x) >> by.shift;
}

// Divides x and gives the rest.
__device__ __forceinline__ u32 divide(u32 &x, const Division &by) {
  const u32 result = quotient(x, by);
  const u32 rest = x - result * by.divisor;
  x = result;
  return rest;
}
