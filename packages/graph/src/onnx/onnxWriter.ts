import { Message } from './protobuf.ts';

/** Element types by their number in ONNX's TensorProto. */
export const onnxTypes = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11, uint32: 12 } as const;

export type OnnxType = keyof typeof onnxTypes;

type Attribute = number | string | readonly number[] | { readonly float: number };

export type OnnxAttributes = Readonly<Record<string, Attribute>>;

interface Several {
  readonly attributes?: OnnxAttributes;
  readonly count: number;
}

/** Collects the nodes and small constants of an ONNX graph under fresh names; equal constants are one. */
export class OnnxWriter {
  readonly nodes: Message[] = [];
  readonly initializers: Message[] = [];
  readonly #constants = new Map<string, string>();
  #count = 0;

  /** Adds a node with one output. A number of `attributes` is an int; wrap a float as { float }. */
  node(op: string, inputs: readonly string[], attributes: OnnxAttributes = {}): string {
    return this.several(op, inputs, { attributes, count: 1 })[0] as string;
  }

  several(op: string, inputs: readonly string[], { attributes = {}, count }: Several): readonly string[] {
    const outputs = Array.from({ length: count }, () => `t${this.#count++}`);
    const message = new Message();
    for (const input of inputs) message.text(1, input);
    for (const output of outputs) message.text(2, output);
    message.text(3, `${op}_${this.nodes.length}`).text(4, op);
    for (const [name, value] of Object.entries(attributes)) message.message(5, attributeMessage(name, value));
    this.nodes.push(message);
    return outputs;
  }

  /** Renames: the node that makes `name` of a value that has another. */
  alias(value: string, name: string): void {
    this.nodes.push(new Message().text(1, value).text(2, name).text(3, `as_${name}`).text(4, 'Identity'));
  }

  /** A constant; 0-d for a number, 1-d for a list, unless a shape is given. */
  constant(type: OnnxType, values: number | ArrayLike<number>, shape?: readonly number[]): string {
    const list = typeof values === 'number' ? [values] : Array.from(values);
    const dims = shape ?? (typeof values === 'number' ? [] : [list.length]);
    const key = `${type}[${dims}]${list.map((value) => (Object.is(value, -0) ? '-0' : value))}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = `c${this.#constants.size}`;
    this.#constants.set(key, name);
    this.initializers.push(tensorMessage({ name, type, dims, bytes: bytesOfNumbers(type, list) }));
    return name;
  }
}

interface TensorContent {
  readonly name: string;
  readonly type: OnnxType;
  readonly dims: readonly number[];
  /** The values, little-endian, or where another file holds them. */
  readonly bytes: Uint8Array | { readonly file: string; readonly offset: number; readonly length: number };
}

export function tensorMessage({ name, type, dims, bytes }: TensorContent): Message {
  const message = new Message().integers(1, dims).integer(2, onnxTypes[type]).text(8, name);
  if (bytes instanceof Uint8Array) return message.bytes(9, bytes);
  for (const [key, value] of Object.entries({ location: bytes.file, offset: bytes.offset, length: bytes.length })) {
    message.message(13, new Message().text(1, key).text(2, String(value)));
  }
  return message.integer(14, 1);
}

export function valueMessage(name: string, type: OnnxType, dims: readonly number[]): Message {
  const shape = new Message();
  for (const size of dims) shape.message(1, new Message().integer(1, size));
  const tensor = new Message().integer(1, onnxTypes[type]).message(2, shape);
  return new Message().text(1, name).message(2, new Message().message(1, tensor));
}

function attributeMessage(name: string, value: Attribute): Message {
  const message = new Message().text(1, name);
  if (typeof value === 'number') return message.integer(3, value).integer(20, 2);
  if (typeof value === 'string') return message.text(4, value).integer(20, 3);
  if ('float' in value) return message.float(2, value.float).integer(20, 1);
  for (const each of value) message.integer(8, each);
  return message.integer(20, 7);
}

function bytesOfNumbers(type: OnnxType, list: readonly number[]): Uint8Array {
  if (type === 'int64') return new Uint8Array(BigInt64Array.from(list, (value) => BigInt(value)).buffer);
  const arrays = {
    float32: Float32Array,
    float64: Float64Array,
    int32: Int32Array,
    uint32: Uint32Array,
    bool: Uint8Array,
  };
  return new Uint8Array(arrays[type].from(list).buffer);
}
