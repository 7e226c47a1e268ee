export { arrayFor } from './arrayFor.ts';
export {
  type CapturedFunction,
  type CaptureOptions,
  type CompileOptions,
  captureFunction,
  type Feed,
  type Result,
} from './captureFunction.ts';
export { CompilerError } from './compilerError.ts';
export { FrozenWeights } from './frozenWeights.ts';
export { HostBackend, type HostSource, hostBackend } from './hostBackend.ts';
export { type HostLeaf, hostLeaf, hostLeaves, inputTypes, isHostArray } from './hostLeaves.ts';
export { type StateArrival, type StateLeaf, StateTree, stateType } from './stateTree.ts';
export { Turns } from './turns.ts';
export { typesKey } from './typesKey.ts';
