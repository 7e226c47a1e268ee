export { evaluateNode } from '../src/evaluate.ts';
export { bertBase, bertStep, emptyWeights } from './bertStep.ts';
export { captureCase, caseFunction } from './caseGraph.ts';
export { type OpCase, opCases, valuesOf as opCaseValues } from './opCases.ts';
export { replayEngine } from './replayEngine.ts';
export { type ToyStep, toySteps, trainToy } from './toySteps.ts';
