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
  readonly #nodes: NodeContent[] = [];
  readonly #initializers: Message[] = [];
  readonly #constants = new Map<string, string>();
  readonly #made = new Set<string>();

  /** Adds a node with one output. A number of `attributes` is an int; wrap a float as { float }. */
  node(op: string, inputs: readonly string[], attributes: OnnxAttributes = {}): string {
    return this.several(op, inputs, { attributes, count: 1 })[0] as string;
  }

  several(op: string, inputs: readonly string[], { attributes = {}, count }: Several): readonly string[] {
    const outputs = Array.from({ length: count }, (_, index) => `%${this.#made.size + index}`);
    for (const output of outputs) this.#made.add(output);
    this.#nodes.push({ op, inputs, outputs, attributes });
    return outputs;
  }

  /** A constant; 0-d for a number, 1-d for a list, unless a shape is given. */
  constant(type: OnnxType, values: number | ArrayLike<number>, shape?: readonly number[]): string {
    const list = typeof values === 'number' ? [values] : Array.from(values);
    const dims = shape ?? (typeof values === 'number' ? [] : [list.length]);
    const key = `${type}[${dims}]${list.map((value) => (Object.is(value, -0) ? '-0' : value))}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = `%constant${this.#constants.size}`;
    this.#constants.set(key, name);
    this.initializer({ name, type, dims, bytes: bytesOfNumbers(type, list) });
    return name;
  }

  initializer(content: TensorContent): void {
    this.#initializers.push(tensorMessage(content));
  }

  /**
   * The GraphProto's nodes and initializers, made values renamed as outputs want them; whatever no node makes, or has a
   * name already, is copied under the wanted name.
   */
  finish(outputs: readonly { readonly value: string; readonly name: string }[]): Message {
    const names = new Map<string, string>();
    for (const { value, name } of outputs) {
      if (this.#made.has(value) && !names.has(value)) names.set(value, name);
      else this.#nodes.push({ op: 'Identity', inputs: [value], outputs: [name], attributes: {} });
    }
    const named = (value: string) => names.get(value) ?? value;
    const graph = new Message();
    for (const [index, { op, inputs, outputs: results, attributes }] of this.#nodes.entries()) {
      const message = new Message();
      for (const input of inputs) message.text(1, named(input));
      for (const output of results) message.text(2, named(output));
      message.text(3, `${index} ${op}`).text(4, op);
      for (const [name, value] of Object.entries(attributes)) message.message(5, attributeMessage(name, value));
      graph.message(1, message);
    }
    graph.text(2, 'graph');
    for (const initializer of this.#initializers) graph.message(5, initializer);
    return graph;
  }
}

interface NodeContent {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: OnnxAttributes;
}

interface TensorContent {
  readonly name: string;
  readonly type: OnnxType;
  readonly dims: readonly number[];
  /** The values, little-endian, or where another file holds them. */
  readonly bytes: Uint8Array | { readonly file: string; readonly offset: number; readonly length: number };
}

function tensorMessage({ name, type, dims, bytes }: TensorContent): Message {
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
