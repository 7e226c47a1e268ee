export { caseFunction, captureCase } from './caseGraph.ts';
export { type OpCase, opCases } from './opCases.ts';
