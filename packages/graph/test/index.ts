export { evaluateNode } from '../src/evaluate.ts';
export { captureCase, caseFunction } from './caseGraph.ts';
export { type OpCase, opCases } from './opCases.ts';
