export { captureCase, caseFunction } from './caseGraph.ts';
export { type OpCase, opCases } from './opCases.ts';
