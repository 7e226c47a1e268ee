import type { Graph, Parameter } from '../graph.ts';
import { encodeModel } from './encodeModel.ts';
import { draftOnnx, type OnnxOptions, type OnnxValue, storeWeights } from './onnxDraft.ts';
import { OnnxWriter } from './onnxWriter.ts';

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

/** Writes a graph as an ONNX model of opset 20, in operations of the standard alone unless the dialect says otherwise. */
export function toOnnx(graph: Graph, { weights, dialect = 'standard', file = 'weights.bin' }: OnnxOptions): OnnxModel {
  const { writer, inputs, parameters: all, outputs } = draftOnnx(graph, new OnnxWriter({ dialect }));
  const isExternal = weights === 'external';
  const parameters = weights === 'inputs' ? all : [];
  const { stored, chunks } = storeWeights(weights === 'inputs' ? [] : all, isExternal ? file : undefined);
  const { nodes, constants } = writer;
  return {
    model: encodeModel({ nodes, constants, stored, inputs: [...inputs, ...parameters], outputs }),
    inputs,
    parameters,
    outputs: outputs.map(({ value: _, ...each }) => each),
    external: isExternal ? { file, chunks } : undefined,
  };
}
