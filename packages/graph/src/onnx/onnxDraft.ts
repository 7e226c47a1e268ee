import type { Constant, Graph, Parameter, Value } from '../graph.ts';
import { rowOf } from '../ops/opTable.ts';
import { sizeOf, type TensorType, type TypedArray } from '../tensorType.ts';
import type { StoredTensor } from './encodeModel.ts';
import { type OnnxDialect, OnnxWriter } from './onnxWriter.ts';

export interface OnnxOptions {
  /**
   * Where the parameters are: 'inside' the model (at most 2 GB, what protobuf can hold), in an 'external' file beside it,
   * or 'inputs' of the model, so that many models may share them.
   */
  readonly weights: 'inside' | 'external' | 'inputs';
  /**
   * 'standard' unless given: any runtime may run the model. 'onnxruntime' uses its own operations where they are faster,
   * for sessions that nothing else will load.
   */
  readonly dialect?: OnnxDialect;
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

/** A graph in ONNX's operations. */
export interface OnnxDraft {
  readonly writer: OnnxWriter;
  readonly inputs: readonly OnnxValue[];
  readonly parameters: readonly (OnnxValue & Pick<Parameter, 'source'>)[];
  /** `value` is what the nodes call it. */
  readonly outputs: readonly (OnnxValue & { readonly value: string })[];
}

/** Lowers a graph by the rows of the op table. */
export function draftOnnx(graph: Graph, writer: OnnxWriter = new OnnxWriter()): OnnxDraft {
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
  const read = <Entry extends { readonly name: string; readonly value: Value }>(entry: Entry) => {
    const described = describe(entry.name, entry.value);
    values.set(entry.value, described.onnxName);
    return described;
  };
  const inputs = graph.inputs.map(read);
  const parameters = graph.parameters.map((each) => ({ ...read(each), source: each.source }));
  for (const constant of graph.constants) values.set(constant.value, writeConstant(writer, constant));
  for (const { op, inputs: sources, attributes, outputs } of graph.nodes) {
    const given = sources.map((each) => values.get(each) as string);
    writer.origin = op;
    const results = rowOf(op).onnx({ write: writer, inputs: given, types: sources, attributes, outputs });
    for (const [index, output] of outputs.entries()) values.set(output, results[index] as string);
  }
  const outputs = graph.outputs.map(({ name, value }) => ({
    ...describe(name, value),
    value: values.get(value) as string,
  }));
  return { writer, inputs, parameters, outputs };
}

function writeConstant(writer: OnnxWriter, { value: { shape, dtype }, data }: Constant): string {
  writer.origin = 'a constant';
  if (typeof data !== 'number') return writer.constant(dtype, data, shape);
  const number = writer.constant(dtype, data);
  return shape.length === 0 ? number : writer.node('Expand', [number, writer.constant('int64', shape)]);
}

type Named = TensorType & { readonly onnxName: string; readonly source: Parameter['source'] };

/** The parameters as initializers, inside or at places of a file; aligned so that the file can be mapped into memory. */
export function storeWeights(
  parameters: readonly Named[],
  file: string | undefined,
): { readonly stored: readonly StoredTensor[]; readonly chunks: readonly Uint8Array[] } {
  const chunks: Uint8Array[] = [];
  let offset = 0;
  const stored = parameters.map(({ onnxName, source, shape, dtype }): StoredTensor => {
    const bytes = bytesIn(source);
    if (file === undefined || sizeOf(shape) === 0) return { onnxName, shape, dtype, content: bytes };
    const place = { file, offset, length: bytes.length };
    const padding = -bytes.length & 63;
    chunks.push(bytes, new Uint8Array(padding));
    offset += bytes.length + padding;
    return { onnxName, shape, dtype, content: place };
  });
  return { stored, chunks };
}

function bytesIn(source: Parameter['source']): Uint8Array {
  const values = 'dataSync' in source ? (source.dataSync() as TypedArray) : source;
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
