// Made from src/lowering/elementExpressions.ts; its test says how.
#include "elementMath.cuh"

#define PEFT_CASE(number, expression)                       \
  case number:                                              \
    _Pragma("unroll") for (i32 i = 0; i < 8; i++) y[i] = (expression); \
    break;

__device__ __forceinline__ void computeEight(i32 operation, const float (&a)[8], const float (&b)[8], const float (&c)[8],
                                             float s, float t, float (&y)[8]) {
  switch (operation) {
    PEFT_CASE(0, fabsf(a[i]))  // Abs
    PEFT_CASE(1, ceilf(a[i]))  // Ceil
    PEFT_CASE(2, cosf(a[i]))  // Cos
    PEFT_CASE(3, a[i] >= 0.0f ? a[i] : expm1f(a[i]))  // Elu
    PEFT_CASE(4, erff(a[i]))  // Erf
    PEFT_CASE(5, expf(a[i]))  // Exp
    PEFT_CASE(6, expm1f(a[i]))  // Expm1
    PEFT_CASE(7, floorf(a[i]))  // Floor
    PEFT_CASE(8, logf(a[i]))  // Log
    PEFT_CASE(9, log1pf(a[i]))  // Log1p
    PEFT_CASE(11, -a[i])  // Neg
    PEFT_CASE(12, 1.0f / a[i])  // Reciprocal
    PEFT_CASE(13, larger(a[i], 0.0f))  // Relu
    PEFT_CASE(14, smaller(larger(a[i], 0.0f), 6.0f))  // Relu6
    PEFT_CASE(15, rintf(a[i]))  // Round
    PEFT_CASE(16, 1.0f / sqrtf(a[i]))  // Rsqrt
    PEFT_CASE(17, logistic(a[i]))  // Sigmoid
    PEFT_CASE(18, signOf(a[i]))  // Sign
    PEFT_CASE(19, sinf(a[i]))  // Sin
    PEFT_CASE(20, larger(a[i], 0.0f) + log1pf(expf(-fabsf(a[i]))))  // Softplus
    PEFT_CASE(21, sqrtf(a[i]))  // Sqrt
    PEFT_CASE(22, a[i] * a[i])  // Square
    PEFT_CASE(23, tanhf(a[i]))  // Tanh
    PEFT_CASE(24, smaller(larger(a[i], s), t))  // ClipByValue
    PEFT_CASE(25, a[i] < 0.0f ? a[i] * s : a[i])  // LeakyRelu
    PEFT_CASE(26, a[i] > 0.0f ? 1.0f : s)  // Step
    PEFT_CASE(27, a[i])  // CastToFloat
    PEFT_CASE(30, a[i] + b[i])  // Add
    PEFT_CASE(32, floorOfQuotient(a[i], b[i]))  // FloorDiv
    PEFT_CASE(39, larger(a[i], b[i]))  // Maximum
    PEFT_CASE(40, smaller(a[i], b[i]))  // Minimum
    PEFT_CASE(41, modulo(a[i], b[i]))  // Mod
    PEFT_CASE(42, a[i] * b[i])  // Multiply
    PEFT_CASE(44, power(a[i], b[i]))  // Pow
    PEFT_CASE(45, a[i] / b[i])  // RealDiv
    PEFT_CASE(46, (a[i] - b[i]) * (a[i] - b[i]))  // SquaredDifference
    PEFT_CASE(47, a[i] - b[i])  // Sub
    PEFT_CASE(48, a[i] != 0 ? b[i] : c[i])  // Select
    PEFT_CASE(49, s)  // Fill
    PEFT_CASE(50, gelu(a[i]))  // PeftGelu
    PEFT_CASE(51, geluSlope(a[i]) * b[i])  // PeftGeluGrad
    PEFT_CASE(52, geluTanh(a[i]))  // PeftGeluTanh
    PEFT_CASE(53, geluTanhSlope(a[i]) * b[i])  // PeftGeluTanhGrad
    PEFT_CASE(54, a[i] * logistic(a[i]))  // PeftSilu
    PEFT_CASE(55, siluSlope(a[i]) * b[i])  // PeftSiluGrad
  }
}

__device__ __forceinline__ void computeEight(i32 operation, const float (&a)[8], const float (&b)[8], const float (&c)[8],
                                             i32 s, i32 t, i32 (&y)[8]) {
  switch (operation) {
    PEFT_CASE(28, toInteger(a[i]))  // CastToInteger
    PEFT_CASE(29, a[i] != 0.0f)  // CastToBool
    PEFT_CASE(31, a[i] == b[i])  // Equal
    PEFT_CASE(33, a[i] > b[i])  // Greater
    PEFT_CASE(34, a[i] >= b[i])  // GreaterEqual
    PEFT_CASE(35, a[i] < b[i])  // Less
    PEFT_CASE(36, a[i] <= b[i])  // LessEqual
    PEFT_CASE(43, a[i] != b[i])  // NotEqual
  }
}

__device__ __forceinline__ void computeEight(i32 operation, const i32 (&a)[8], const i32 (&b)[8], const i32 (&c)[8],
                                             float s, float t, float (&y)[8]) {
  switch (operation) {
    PEFT_CASE(27, (float)a[i])  // CastToFloat
  }
}

__device__ __forceinline__ void computeEight(i32 operation, const i32 (&a)[8], const i32 (&b)[8], const i32 (&c)[8],
                                             i32 s, i32 t, i32 (&y)[8]) {
  switch (operation) {
    PEFT_CASE(0, a[i] < 0 ? negated(a[i]) : a[i])  // Abs
    PEFT_CASE(10, a[i] == 0)  // LogicalNot
    PEFT_CASE(11, negated(a[i]))  // Neg
    PEFT_CASE(13, a[i] > 0 ? a[i] : 0)  // Relu
    PEFT_CASE(18, (a[i] > 0) - (a[i] < 0))  // Sign
    PEFT_CASE(22, product(a[i], a[i]))  // Square
    PEFT_CASE(28, a[i])  // CastToInteger
    PEFT_CASE(29, a[i] != 0)  // CastToBool
    PEFT_CASE(30, sum(a[i], b[i]))  // Add
    PEFT_CASE(31, a[i] == b[i])  // Equal
    PEFT_CASE(32, floorOfQuotient(a[i], b[i]))  // FloorDiv
    PEFT_CASE(33, a[i] > b[i])  // Greater
    PEFT_CASE(34, a[i] >= b[i])  // GreaterEqual
    PEFT_CASE(35, a[i] < b[i])  // Less
    PEFT_CASE(36, a[i] <= b[i])  // LessEqual
    PEFT_CASE(37, a[i] & b[i])  // LogicalAnd
    PEFT_CASE(38, a[i] | b[i])  // LogicalOr
    PEFT_CASE(39, a[i] > b[i] ? a[i] : b[i])  // Maximum
    PEFT_CASE(40, a[i] < b[i] ? a[i] : b[i])  // Minimum
    PEFT_CASE(41, modulo(a[i], b[i]))  // Mod
    PEFT_CASE(42, product(a[i], b[i]))  // Multiply
    PEFT_CASE(43, a[i] != b[i])  // NotEqual
    PEFT_CASE(44, power(a[i], b[i]))  // Pow
    PEFT_CASE(46, product(difference(a[i], b[i]), difference(a[i], b[i])))  // SquaredDifference
    PEFT_CASE(47, difference(a[i], b[i]))  // Sub
    PEFT_CASE(48, a[i] != 0 ? b[i] : c[i])  // Select
    PEFT_CASE(49, s)  // Fill
  }
}

#undef PEFT_CASE
