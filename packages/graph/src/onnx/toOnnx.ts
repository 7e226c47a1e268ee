import type { Constant, Graph, Parameter, Value } from '../graph.ts';
import { rowOf } from '../ops/opTable.ts';
import { bytesOf, sizeOf, type TensorType, type TypedArray } from '../tensorType.ts';
import { type OnnxType, OnnxWriter, valueMessage } from './onnxWriter.ts';
import { Message } from './protobuf.ts';

/** Versions that the lowering was written and tested for. */
const opset = 20;
const irVersion = 10;

export interface OnnxOptions {
  /**
   * Where the parameters are: 'inside' the model (at most 2 GB, what protobuf can hold), in an 'external' file beside it,
   * or 'inputs' of the model, so that many models may share them.
   */
  readonly weights: 'inside' | 'external' | 'inputs';
  /** Name of the external file, as the model spells it; weights.bin unless given. */
  readonly file?: string;
}

/** One input or output of an ONNX model. */
export interface OnnxValue extends TensorType {
  /** The name in the graph. */
  readonly name: string;
  /** The name in the model: the same, unless an input or parameter has it already. */
  readonly onnxName: string;
}

export interface OnnxModel {
  /** A ModelProto. */
  readonly model: Uint8Array;
  readonly inputs: readonly OnnxValue[];
  /** The parameters, where they are inputs. */
  readonly parameters: readonly (OnnxValue & Pick<Parameter, 'source'>)[];
  readonly outputs: readonly OnnxValue[];
  /** What the external file holds, in order. */
  readonly external: { readonly file: string; readonly chunks: readonly Uint8Array[] } | undefined;
}

/** Writes a graph as an ONNX model of opset 20, in operations of the standard alone. */
export function toOnnx(graph: Graph, { weights, file = 'weights.bin' }: OnnxOptions): OnnxModel {
  const write = new OnnxWriter();
  const taken = new Set<string>();
  const values = new Map<Value, string>();
  const claim = (name: string): string => {
    let free = name;
    for (let again = 1; taken.has(free) || free.startsWith('%') || free === ''; again++)
      free = `${name || 'value'}.${again}`;
    taken.add(free);
    return free;
  };
  const describe = (name: string, { shape, dtype }: Value): OnnxValue => ({
    name,
    onnxName: claim(name),
    shape,
    dtype,
  });
  const inputs = graph.inputs.map(({ name, value }) => describe(name, value));
  for (const [index, { value }] of graph.inputs.entries()) values.set(value, inputs[index]?.onnxName as string);
  const named = graph.parameters.map(({ name, value, source }) => ({ ...describe(name, value), source }));
  for (const [index, { value }] of graph.parameters.entries()) values.set(value, named[index]?.onnxName as string);
  const chunks = weights === 'inputs' ? [] : writeWeights(write, named, weights === 'external' ? file : undefined);
  for (const constant of graph.constants) values.set(constant.value, writeConstant(write, constant));
  for (const { op, inputs: sources, attributes, outputs } of graph.nodes) {
    const given = sources.map((each) => values.get(each) as string);
    const results = rowOf(op).onnx({ write, inputs: given, types: sources, attributes, outputs });
    for (const [index, output] of outputs.entries()) values.set(output, results[index] as string);
  }
  const outputs = graph.outputs.map(({ name, value }) => describe(name, value));
  const body = write.finish(
    graph.outputs.map(({ value }, index) => ({
      value: values.get(value) as string,
      name: outputs[index]?.onnxName as string,
    })),
  );
  const parameters = weights === 'inputs' ? named : [];
  for (const each of [...inputs, ...parameters]) body.message(11, valueMessage(each.onnxName, each.dtype, each.shape));
  for (const each of outputs) body.message(12, valueMessage(each.onnxName, each.dtype, each.shape));
  const model = new Message()
    .integer(1, irVersion)
    .text(2, '@peft/graph')
    .message(7, body)
    .message(8, new Message().text(1, '').integer(2, opset))
    .encode();
  return { model, inputs, parameters, outputs, external: weights === 'external' ? { file, chunks } : undefined };
}

function writeConstant(write: OnnxWriter, { value: { shape, dtype }, data }: Constant): string {
  if (typeof data !== 'number') return write.constant(dtype, data, shape);
  const number = write.constant(dtype, data);
  return shape.length === 0 ? number : write.node('Expand', [number, write.constant('int64', shape)]);
}

type Named = TensorType & { readonly onnxName: string; readonly source: Parameter['source'] };

/** The parameters as initializers, inside or at places of a file; aligned so that the file can be mapped into memory. */
function writeWeights(
  write: OnnxWriter,
  parameters: readonly Named[],
  file: string | undefined,
): readonly Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const { onnxName, source, shape, dtype } of parameters) {
    const bytes = bytesIn(source);
    const content = { name: onnxName, type: dtype satisfies OnnxType, dims: shape };
    if (file === undefined || sizeOf(shape) === 0) {
      write.initializer({ ...content, bytes });
      continue;
    }
    write.initializer({ ...content, bytes: { file, offset, length: bytesOf({ shape, dtype }) } });
    const padding = -bytes.length & 63;
    chunks.push(bytes, new Uint8Array(padding));
    offset += bytes.length + padding;
  }
  return chunks;
}

function bytesIn(source: Parameter['source']): Uint8Array {
  const values = 'dataSync' in source ? (source.dataSync() as TypedArray) : source;
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
