/** C++ of the result, of C++ of operands and attributes. Operands are names or literals: an expression may repeat them. */
export type Expression = (operands: readonly string[], attributes: readonly string[]) => string;

/**
 * One operation on each element alone. Floats are computed as `float`; int32 and bool (0 or 1) as `i32`, modulo 2^32.
 * The dtype of the result says what it is kept in.
 */
export interface ElementExpression {
  /** How many operands it reads. */
  readonly operands: number;
  /** On floats; of Select and Fill: where the result is a float. */
  readonly float?: Expression;
  readonly integer?: Expression;
}

const of =
  (text: string): Expression =>
  (operands, attributes) =>
    text.replace(/\b[abcst]\b/g, (name) => {
      const place = 'abc'.indexOf(name);
      return (place < 0 ? attributes['st'.indexOf(name)] : operands[place]) as string;
    });

const unary = (float?: string, integer?: string) => row(1, float, integer);
const binary = (float?: string, integer?: string) => row(2, float, integer);

function row(operands: number, float?: string, integer?: string): ElementExpression {
  return {
    operands,
    ...(float === undefined ? {} : { float: of(float) }),
    ...(integer === undefined ? {} : { integer: of(integer) }),
  };
}

/**
 * Every operation on elements, in operands a, b, c and attributes s, t; `kernels/elementMath.cuh` has the functions.
 * NaN and signed zeros go as the references of @peft/graph let them go.
 */
export const elementExpressions = {
  Abs: unary('fabsf(a)', 'a < 0 ? negated(a) : a'),
  Ceil: unary('ceilf(a)'),
  Cos: unary('cosf(a)'),
  Elu: unary('a >= 0.0f ? a : expm1f(a)'),
  Erf: unary('erff(a)'),
  Exp: unary('expf(a)'),
  Expm1: unary('expm1f(a)'),
  Floor: unary('floorf(a)'),
  Log: unary('logf(a)'),
  Log1p: unary('log1pf(a)'),
  LogicalNot: unary(undefined, 'a == 0'),
  Neg: unary('-a', 'negated(a)'),
  Reciprocal: unary('1.0f / a'),
  Relu: unary('larger(a, 0.0f)', 'a > 0 ? a : 0'),
  Relu6: unary('smaller(larger(a, 0.0f), 6.0f)'),
  Round: unary('rintf(a)'),
  Rsqrt: unary('1.0f / sqrtf(a)'),
  Sigmoid: unary('logistic(a)'),
  Sign: unary('signOf(a)', '(a > 0) - (a < 0)'),
  Sin: unary('sinf(a)'),
  Softplus: unary('larger(a, 0.0f) + log1pf(expf(-fabsf(a)))'),
  Sqrt: unary('sqrtf(a)'),
  Square: unary('a * a', 'product(a, a)'),
  Tanh: unary('tanhf(a)'),
  ClipByValue: unary('smaller(larger(a, s), t)'),
  LeakyRelu: unary('a < 0.0f ? a * s : a'),
  Step: unary('a > 0.0f ? 1.0f : s'),
  CastToFloat: unary('a', '(float)a'),
  CastToInteger: unary('toInteger(a)', 'a'),
  CastToBool: unary('a != 0.0f', 'a != 0'),

  Add: binary('a + b', 'sum(a, b)'),
  Equal: binary('a == b', 'a == b'),
  FloorDiv: binary('floorOfQuotient(a, b)', 'floorOfQuotient(a, b)'),
  Greater: binary('a > b', 'a > b'),
  GreaterEqual: binary('a >= b', 'a >= b'),
  Less: binary('a < b', 'a < b'),
  LessEqual: binary('a <= b', 'a <= b'),
  LogicalAnd: binary(undefined, 'a & b'),
  LogicalOr: binary(undefined, 'a | b'),
  Maximum: binary('larger(a, b)', 'a > b ? a : b'),
  Minimum: binary('smaller(a, b)', 'a < b ? a : b'),
  Mod: binary('modulo(a, b)', 'modulo(a, b)'),
  Multiply: binary('a * b', 'product(a, b)'),
  NotEqual: binary('a != b', 'a != b'),
  Pow: binary('power(a, b)', 'power(a, b)'),
  RealDiv: binary('a / b'),
  SquaredDifference: binary('(a - b) * (a - b)', 'product(difference(a, b), difference(a, b))'),
  Sub: binary('a - b', 'difference(a, b)'),

  Select: row(3, 'a != 0 ? b : c', 'a != 0 ? b : c'),
  Fill: row(0, 's', 's'),

  PeftGelu: unary('gelu(a)'),
  PeftGeluGrad: binary('geluSlope(a) * b'),
  PeftGeluTanh: unary('geluTanh(a)'),
  PeftGeluTanhGrad: binary('geluTanhSlope(a) * b'),
  PeftSilu: unary('a * logistic(a)'),
  PeftSiluGrad: binary('siluSlope(a) * b'),
} satisfies Record<string, ElementExpression>;

export type ElementName = keyof typeof elementExpressions;
