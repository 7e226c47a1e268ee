import { type CapturedFunction, type CaptureOptions, captureFunction } from '@peft/compiler';
import type { StepFunction } from '@peft/core';
import { type Graph, toOnnx } from '@peft/graph';
import type { Model, Port } from '../runtime.ts';

/** A captured function as a model, whose feeds and results are in the order of the graph's. */
export interface CapturedModel extends Omit<CapturedFunction, 'graph'> {
  readonly model: Model;
}

/** Writes a step function down as an ONNX model whose weights are inputs. @throws what `captureFunction` throws */
export async function captureModel(run: StepFunction, options: CaptureOptions): Promise<CapturedModel> {
  const { graph, ...captured } = await captureFunction(run, options);
  const { model, inputs, parameters, outputs } = toOnnx(withoutNames(graph), {
    weights: 'inputs',
    dialect: 'onnxruntime',
  });
  return { ...captured, model: { bytes: model, feeds: [...inputs, ...parameters.map(asFrozen)], results: outputs } };
}

const asFrozen = (port: Port): Port => ({ ...port, isFrozen: true });

/** The graph by places instead of names, so that functions that differ in names alone are one model. */
function withoutNames(graph: Graph): Graph {
  const renamed = <Named extends { readonly name: string }>(all: readonly Named[], kind: string) =>
    all.map((each, index) => ({ ...each, name: `${kind}${index}` }));
  return {
    ...graph,
    inputs: renamed(graph.inputs, 'input'),
    parameters: renamed(graph.parameters, 'parameter'),
    outputs: renamed(graph.outputs, 'output'),
  };
}
