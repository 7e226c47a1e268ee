export type { EngineDescription, OnnxEngine } from './engineOn.ts';
export type { OnnxEngineOptions } from './onnxEngine.ts';
export { OnnxError } from './onnxError.ts';
export type { RuntimeOptions } from './openRuntime.ts';
export type { Binding, Model, Port, Runtime, Session } from './runtime.ts';
export type { BrowserOptions } from './web/browserOptions.ts';
export { onnxEngine } from './web/onnxEngine.ts';
