import { filled, unary, unaryWith } from './elementwise.ts';
import { errorFunction } from './errorFunction.ts';

const numbers = ['float32', 'int32'] as const;
const any = ['float32', 'int32', 'bool'] as const;

/** Rounds halves to the even neighbour. */
function round(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

export const unaryRows = {
  Abs: unary(Math.abs, 'Abs', { of: numbers }),
  Ceil: unary(Math.ceil, 'Ceil'),
  Cos: unary(Math.cos, 'Cos'),
  Elu: unary((x) => (x >= 0 ? x : Math.expm1(x)), 'Elu'),
  Erf: unary(errorFunction, 'Erf'),
  Exp: unary(Math.exp, 'Exp'),
  Expm1: unary(Math.expm1, (write, [x]) =>
    write.node('Sub', [write.node('Exp', [x as string]), write.constant('float32', 1)]),
  ),
  Floor: unary(Math.floor, 'Floor'),
  Identity: unary((x) => x, 'Identity', { of: any }),
  Log: unary(Math.log, 'Log'),
  Log1p: unary(Math.log1p, (write, [x]) =>
    write.node('Log', [write.node('Add', [x as string, write.constant('float32', 1)])]),
  ),
  LogicalNot: unary((x) => (x ? 0 : 1), 'Not', { of: ['bool'] }),
  Neg: unary((x) => -x, 'Neg', { of: numbers }),
  OnesLike: filled(1),
  Reciprocal: unary((x) => 1 / x, 'Reciprocal'),
  Relu: unary((x) => Math.max(x, 0), 'Relu', { of: numbers }),
  Relu6: unary(
    (x) => Math.min(Math.max(x, 0), 6),
    (write, [x]) => write.node('Clip', [x as string, write.constant('float32', 0), write.constant('float32', 6)]),
  ),
  Round: unary(round, 'Round'),
  Rsqrt: unary(
    (x) => 1 / Math.sqrt(x),
    (write, [x]) => write.node('Reciprocal', [write.node('Sqrt', [x as string])]),
  ),
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x)), 'Sigmoid'),
  Sign: unary(Math.sign, 'Sign', { of: numbers }),
  Sin: unary(Math.sin, 'Sin'),
  Softplus: unary(softplus, 'Softplus'),
  Sqrt: unary(Math.sqrt, 'Sqrt'),
  Square: unary(
    (x) => x * x,
    (write, [x]) => write.node('Mul', [x as string, x as string]),
    { of: numbers },
  ),
  Tanh: unary(Math.tanh, 'Tanh'),
  ZerosLike: filled(0),
  ClipByValue: unaryWith(
    (raw) => ({ clipValueMin: Number(raw.clipValueMin), clipValueMax: Number(raw.clipValueMax) }),
    (x, { clipValueMin, clipValueMax }) => Math.min(Math.max(x, clipValueMin), clipValueMax),
    ({ write, attributes }, x) =>
      write.node('Clip', [
        x,
        write.constant('float32', attributes.clipValueMin),
        write.constant('float32', attributes.clipValueMax),
      ]),
  ),
  LeakyRelu: unaryWith(
    (raw) => ({ alpha: Number(raw.alpha) }),
    (x, { alpha }) => (x < 0 ? x * alpha : x),
    ({ write, attributes }, x) => write.node('LeakyRelu', [x], { alpha: { float: attributes.alpha } }),
  ),
  Step: unaryWith(
    (raw) => ({ alpha: Number(raw.alpha ?? 0) }),
    (x, { alpha }) => (x > 0 ? 1 : alpha),
    ({ write, attributes }, x) =>
      write.node('Where', [
        write.node('Greater', [x, write.constant('float32', 0)]),
        write.constant('float32', 1),
        write.constant('float32', attributes.alpha),
      ]),
  ),
};
