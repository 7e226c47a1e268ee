import { GraphError } from '../graphError.ts';
import { type OnnxWriter, onnxTypes } from '../onnx/onnxWriter.ts';
import { sizeOf, type TensorType } from '../tensorType.ts';
import type { HostTensor, OpRow } from './opRow.ts';

/**
 * `PeftDropout`, and the factors its gradient multiplies by: element i lives where the upper 24 bits of a counter-based
 * hash of i, by two keys, reach the rate.
 */
export const dropoutRow: OpRow<{ readonly rate: number }> = {
  inputs: ['x', 'key'],
  outputs: 'list',
  attributes: (raw) => ({ rate: Number(raw.rate) }),
  shape: ([x, key]) => {
    if (key?.dtype === 'int32' && `${key.shape}` === '2') return [x as TensorType, x as TensorType];
    throw new GraphError('graph/shape', `dropout needs an int32 key of shape [2], got ${key?.dtype} [${key?.shape}].`);
  },
  reference: ({ inputs, attributes: { rate } }) => {
    const [x, key] = inputs as readonly [HostTensor, HostTensor];
    const keys = subkeys(hostUint32, Number(key.data[0]) >>> 0, Number(key.data[1]) >>> 0);
    const threshold = thresholdOf(rate);
    const factor = Math.fround(1 / (1 - rate));
    const mask = Float64Array.from(x.data, (_, index) =>
      scramble(hostUint32, index, keys) >>> 8 >= threshold ? factor : 0,
    );
    return [mask.map((each, index) => each * (x.data[index] as number)), mask];
  },
  onnx: ({ write, inputs: [x, key], attributes: { rate }, outputs: [output] }) => {
    const { shape } = output as TensorType;
    const words = write.node('Cast', [key as string], { to: onnxTypes.uint32 });
    const word = (index: number) => write.node('Gather', [words, write.constant('int64', index)], { axis: 0 });
    const ops = onnxUint32(write);
    const integers = [0, sizeOf(shape), 1].map((value) => write.constant('int32', value));
    const counter = write.node('Cast', [write.node('Range', integers)], { to: onnxTypes.uint32 });
    const drawn = scramble(ops, counter, subkeys(ops, word(0), word(1)));
    const upper = write.node('Cast', [ops.right(drawn, 8)], { to: onnxTypes.int32 });
    const lives = write.node('Not', [write.node('Less', [upper, write.constant('int32', thresholdOf(rate))])]);
    const factors = [1 / (1 - rate), 0].map((value) => write.constant('float32', value));
    const drawnFactors = write.node('Where', [lives, ...factors]);
    const mask = write.node('Reshape', [drawnFactors, write.constant('int64', shape)]);
    return [write.node('Mul', [x as string, mask]), mask];
  },
};

/** Arithmetic modulo 2^32, on numbers here and on graph values in ONNX, so that the hash is written once. */
interface Uint32<Word> {
  readonly constant: (value: number) => Word;
  readonly add: (a: Word, b: Word) => Word;
  readonly multiply: (a: Word, b: Word) => Word;
  readonly xor: (a: Word, b: Word) => Word;
  readonly left: (a: Word, bits: number) => Word;
  readonly right: (a: Word, bits: number) => Word;
}

const hostUint32: Uint32<number> = {
  constant: (value) => value,
  add: (a, b) => (a + b) >>> 0,
  multiply: (a, b) => Math.imul(a, b) >>> 0,
  xor: (a, b) => (a ^ b) >>> 0,
  left: (a, bits) => (a << bits) >>> 0,
  right: (a, bits) => a >>> bits,
};

function onnxUint32(write: OnnxWriter): Uint32<string> {
  const shift = (direction: 'LEFT' | 'RIGHT') => (a: string, bits: number) =>
    write.node('BitShift', [a, write.constant('uint32', bits)], { direction });
  return {
    constant: (value) => write.constant('uint32', value),
    add: (a, b) => write.node('Add', [a, b]),
    multiply: (a, b) => write.node('Mul', [a, b]),
    xor: (a, b) => write.node('BitwiseXor', [a, b]),
    left: shift('LEFT'),
    right: shift('RIGHT'),
  };
}

interface Subkeys<Word> {
  readonly before: Word;
  readonly between: Word;
}

function subkeys<Word>(ops: Uint32<Word>, key0: Word, key1: Word): Subkeys<Word> {
  const { constant, add, multiply, xor } = ops;
  return {
    before: mix(ops, xor(mix(ops, key0), multiply(key1, constant(0x9e3779b1)))),
    between: mix(ops, add(mix(ops, xor(key1, constant(0x85ebca6b))), multiply(key0, constant(0xc2b2ae35)))),
  };
}

function mix<Word>({ constant, multiply, xor, right }: Uint32<Word>, value: Word): Word {
  const first = multiply(xor(value, right(value, 16)), constant(0x21f0aaad));
  const second = multiply(xor(first, right(first, 15)), constant(0x735a2d97));
  return xor(second, right(second, 15));
}

function scramble<Word>(ops: Uint32<Word>, counter: Word, { before, between }: Subkeys<Word>): Word {
  const { constant, add, multiply, xor, left, right } = ops;
  const start = xor(counter, before);
  const product = multiply(xor(start, right(start, 16)), constant(0x21f0aaad));
  const folded = xor(product, right(product, 15));
  const keyed = add(add(folded, left(folded, 9)), between);
  const last = multiply(xor(keyed, right(keyed, 13)), constant(0x735a2d97));
  return xor(last, right(last, 15));
}

function thresholdOf(rate: number): number {
  return Math.ceil(rate * 0x1000000);
}
