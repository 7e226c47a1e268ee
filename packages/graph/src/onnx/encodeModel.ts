import type { TensorType } from '../tensorType.ts';
import {
  type OnnxAttribute,
  type OnnxConstant,
  type OnnxNode,
  type OnnxType,
  onnxRuntimeDomain,
  onnxTypes,
} from './onnxWriter.ts';
import { Message } from './protobuf.ts';

/** Versions that the lowering was written and tested for. */
const opset = 20;
const irVersion = 10;

/** An initializer whose values are bytes, little-endian, or lie in another file. */
export interface StoredTensor extends TensorType {
  readonly onnxName: string;
  readonly content: Uint8Array | { readonly file: string; readonly offset: number; readonly length: number };
}

/** An input or output; a dimension that may change has a name. */
export interface Interface {
  readonly onnxName: string;
  readonly dtype: OnnxType;
  readonly shape: readonly (number | string)[];
}

export interface ModelContent {
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxConstant[];
  readonly stored: readonly StoredTensor[];
  readonly inputs: readonly Interface[];
  /** `value` is what the nodes call it. */
  readonly outputs: readonly (Interface & { readonly value: string })[];
}

/** A ModelProto. Made values are renamed as outputs want them; what no node makes, or has a name already, is copied. */
export function encodeModel({ nodes, constants, stored, inputs, outputs }: ModelContent): Uint8Array {
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const names = new Map<string, string>();
  const copies: OnnxNode[] = [];
  for (const { value, onnxName } of outputs) {
    if (made.has(value) && !names.has(value)) names.set(value, onnxName);
    else copies.push({ op: 'Identity', inputs: [value], outputs: [onnxName], attributes: {}, origin: '' });
  }
  const body = new Message();
  for (const [index, { op, domain, inputs: sources, outputs: results, attributes }] of [
    ...nodes,
    ...copies,
  ].entries()) {
    const message = new Message();
    for (const source of sources) message.text(1, names.get(source) ?? source);
    for (const result of results) message.text(2, names.get(result) ?? result);
    message.text(3, `${index} ${op}`).text(4, op);
    if (domain !== undefined) message.text(7, domain);
    for (const name in attributes) {
      message.message(5, attributeMessage(name, attributes[name] as OnnxAttribute));
    }
    body.message(1, message);
  }
  body.text(2, 'graph');
  for (const tensor of stored) body.message(5, storedMessage(tensor));
  for (const { name, type, dims, values } of constants) {
    const message = new Message().integers(1, dims).integer(2, onnxTypes[type]).text(8, name);
    body.message(5, message.bytes(9, bytesOfNumbers(type, values)));
  }
  for (const each of inputs) body.message(11, interfaceMessage(each));
  for (const each of outputs) body.message(12, interfaceMessage(each));
  const model = new Message()
    .integer(1, irVersion)
    .text(2, '@peft/graph')
    .message(7, body)
    .message(8, new Message().text(1, '').integer(2, opset));
  if (nodes.some(({ domain }) => domain !== undefined)) {
    model.message(8, new Message().text(1, onnxRuntimeDomain).integer(2, 1));
  }
  return model.encode();
}

function storedMessage({ onnxName, dtype, shape, content }: StoredTensor): Message {
  const message = new Message().integers(1, shape).integer(2, onnxTypes[dtype]).text(8, onnxName);
  if (content instanceof Uint8Array) return message.bytes(9, content);
  const { file: location, offset, length } = content;
  for (const [key, value] of Object.entries({ location, offset, length })) {
    message.message(13, new Message().text(1, key).text(2, String(value)));
  }
  return message.integer(14, 1);
}

function interfaceMessage({ onnxName, dtype, shape }: Interface): Message {
  const dims = new Message();
  for (const size of shape) {
    dims.message(1, typeof size === 'number' ? new Message().integer(1, size) : new Message().text(2, size));
  }
  const tensor = new Message().integer(1, onnxTypes[dtype]).message(2, dims);
  return new Message().text(1, onnxName).message(2, new Message().message(1, tensor));
}

function attributeMessage(name: string, value: OnnxAttribute): Message {
  const message = new Message().text(1, name);
  if (typeof value === 'number') return message.integer(3, value).integer(20, 2);
  if (typeof value === 'string') return message.text(4, value).integer(20, 3);
  if ('float' in value) return message.float(2, value.float).integer(20, 1);
  for (const each of value) message.integer(8, each);
  return message.integer(20, 7);
}

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bool: Uint8Array,
};

function bytesOfNumbers(type: OnnxType, values: ArrayLike<number>): Uint8Array {
  if (type === 'int64') return new Uint8Array(BigInt64Array.from(Array.from(values), BigInt).buffer);
  return new Uint8Array(arrays[type].from(values).buffer);
}
