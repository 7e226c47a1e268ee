// Functions of one element. int32 is computed modulo 2^32, where C++ leaves an overflow undefined.

__device__ __forceinline__ i32 sum(i32 a, i32 b) { return (i32)((u32)a + (u32)b); }

__device__ __forceinline__ i32 difference(i32 a, i32 b) { return (i32)((u32)a - (u32)b); }

__device__ __forceinline__ i32 product(i32 a, i32 b) { return (i32)((u32)a * (u32)b); }

__device__ __forceinline__ i32 negated(i32 a) { return (i32)(0u - (u32)a); }

// NaN wins over every number.
__device__ __forceinline__ float larger(float a, float b) { return a > b || a != a ? a : b; }

__device__ __forceinline__ float smaller(float a, float b) { return a < b || a != a ? a : b; }

__device__ __forceinline__ float signOf(float a) { return a > 0.0f ? 1.0f : a < 0.0f ? -1.0f : a; }

__device__ __forceinline__ float logistic(float a) { return 1.0f / (1.0f + expf(-a)); }

// The whole part modulo 2^32; 0 for what is not finite.
__device__ __forceinline__ i32 toInteger(float a) {
  if (fabsf(a) < 2147483648.0f) return (i32)a;
  if (!(fabsf(a) < __int_as_float(0x7f800000))) return 0;
  return (i32)(u32)(i64)fmodf(a, 4294967296.0f);
}

// A quotient may be rounded up to a whole number, never down past one.
__device__ __forceinline__ float floorOfQuotient(float a, float b) {
  const float whole = floorf(a / b);
  const float rest = fmaf(-whole, b, a);
  return (b < 0.0f ? rest > 0.0f : rest < 0.0f) ? whole - 1.0f : whole;
}

// 0 where b is 0.
__device__ __forceinline__ i32 floorOfQuotient(i32 a, i32 b) {
  if (b == 0) return 0;
  if (b == -1) return negated(a);
  const i32 whole = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? whole - 1 : whole;
}

__device__ __forceinline__ float modulo(float a, float b) {
  const float rest = fmodf(a, b);
  return rest != 0.0f && (rest < 0.0f) != (b < 0.0f) ? rest + b : rest;
}

__device__ __forceinline__ i32 modulo(i32 a, i32 b) {
  if (b == 0 || b == -1) return 0;
  const i32 rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

// As ECMAScript's: NaN for an exponent of NaN, and for 1 or -1 to an infinite one.
__device__ __forceinline__ float power(float a, float b) {
  const bool isOne = fabsf(a) == 1.0f && fabsf(b) == __int_as_float(0x7f800000);
  return b != b || isOne ? __int_as_float(0x7fffffff) : powf(a, b);
}

// A negative exponent gives the whole part of the fraction.
__device__ __forceinline__ i32 power(i32 a, i32 b) {
  if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0;
  u32 result = 1;
  u32 factor = (u32)a;
  for (u32 left = (u32)b; left != 0; left >>= 1) {
    if (left & 1) result *= factor;
    factor *= factor;
  }
  return (i32)result;
}

__device__ __forceinline__ float normalShare(float a) { return 0.5f + 0.5f * erff(a * 0.70710678f); }

__device__ __forceinline__ float gelu(float a) { return a * normalShare(a); }

__device__ __forceinline__ float geluSlope(float a) {
  return normalShare(a) + a * 0.39894228f * expf(-0.5f * a * a);
}

// The form of GELU by tanh, written with the logistic function: 1 + tanh(u) = 2 logistic(2 u).
__device__ __forceinline__ float geluGate(float a) { return logistic(a * 1.5957691f * (1.0f + 0.044715f * a * a)); }

__device__ __forceinline__ float geluTanh(float a) { return a * geluGate(a); }

__device__ __forceinline__ float geluTanhSlope(float a) {
  const float gate = geluGate(a);
  return gate + a * gate * (1.0f - gate) * 1.5957691f * (1.0f + 3.0f * 0.044715f * a * a);
}

__device__ __forceinline__ float siluSlope(float a) {
  const float gate = logistic(a);
  return gate * (1.0f + a * (1.0f - gate));
}
