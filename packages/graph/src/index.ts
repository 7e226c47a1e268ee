export { type Captured, type CaptureOptions, capture, type InputTypes, type OutputTree } from './capture/capture.ts';
export { checkGraph } from './checkGraph.ts';
export { estimateMemory, type MemoryEstimate } from './estimateMemory.ts';
export { type EvaluateOptions, evaluate } from './evaluate.ts';
export type { Constant, Graph, Input, Node, Output, Parameter, Structure, Value } from './graph.ts';
export { GraphError } from './graphError.ts';
export type { OnnxOptions, OnnxValue } from './onnx/onnxDraft.ts';
export {
  type DynamicOnnxModel,
  type DynamicOnnxOptions,
  type DynamicOnnxValue,
  toDynamicOnnx,
} from './onnx/toDynamicOnnx.ts';
export { type OnnxModel, toOnnx } from './onnx/toOnnx.ts';
export type { OpAttributes, OpName } from './ops/opAttributes.ts';
export type { HostTensor } from './ops/opRow.ts';
export { type Nested, outputTree } from './outputTree.ts';
export { algebra } from './passes/algebra.ts';
export { aliases } from './passes/aliases.ts';
export { commonSubexpressions } from './passes/commonSubexpressions.ts';
export { deadCode } from './passes/deadCode.ts';
export { flashAttention, flashAttentionUpTo } from './passes/flashAttention.ts';
export { folding } from './passes/folding.ts';
export { groupProducts } from './passes/groupProducts.ts';
export type { Pass } from './passes/pass.ts';
export { type RecomputeOptions, recompute } from './passes/recompute.ts';
export { reshapesOutward } from './passes/reshapesOutward.ts';
export { type PassesOptions, runPasses, standardPasses } from './passes/runPasses.ts';
export { scalesIntoFactors } from './passes/scalesIntoFactors.ts';
export { schedule } from './passes/schedule.ts';
export { transposesIntoProducts } from './passes/transposesIntoProducts.ts';
export { printGraph } from './printGraph.ts';
export { type InputTensors, replay } from './replay.ts';
export type { DType, TensorType, TypedArray } from './tensorType.ts';
