export { type BindingOptions, bindingRuntime } from './binding/bindingRuntime.ts';
export type { EngineDescription, OnnxEngine } from './engineOn.ts';
export { type NativeOptions, type NativeRuntime, nativeRuntime } from './native/nativeRuntime.ts';
export { type OnnxEngineOptions, onnxEngine } from './onnxEngine.ts';
export { OnnxError } from './onnxError.ts';
export type { RuntimeOptions } from './openRuntime.ts';
export type { Binding, Model, Port, Runtime, Session } from './runtime.ts';
export type { BrowserOptions } from './web/browserOptions.ts';
