import type { HostArray, TrainingState } from '@peft/core';

/** One array of every dtype, with the values that are lost most easily. */
export const everyDtype: Readonly<Record<string, HostArray>> = {
  float64: { dtype: 'float64', shape: [3], data: Float64Array.of(-0, 5e-324, Number.NaN) },
  float32: { dtype: 'float32', shape: [2, 2], data: Float32Array.of(-0, 1.5, Number.NEGATIVE_INFINITY, 1e-45) },
  float16: { dtype: 'float16', shape: [2], data: Uint16Array.of(0x8000, 0x7c01) },
  bfloat16: { dtype: 'bfloat16', shape: [1], data: Uint16Array.of(0x8000) },
  float8_e4m3: { dtype: 'float8_e4m3', shape: [3], data: Uint8Array.of(0x80, 0x7f, 1) },
  float8_e5m2: { dtype: 'float8_e5m2', shape: [1], data: Uint8Array.of(0x80) },
  int64: { dtype: 'int64', shape: [2], data: BigInt64Array.of(-(2n ** 63n), 3n) },
  int32: { dtype: 'int32', shape: [1, 1], data: Int32Array.of(-2147483648) },
  int16: { dtype: 'int16', shape: [1], data: Int16Array.of(-32768) },
  int8: { dtype: 'int8', shape: [3], data: Int8Array.of(-128, 0, 127) },
  uint64: { dtype: 'uint64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
  uint32: { dtype: 'uint32', shape: [1], data: Uint32Array.of(4294967295) },
  uint16: { dtype: 'uint16', shape: [1], data: Uint16Array.of(65535) },
  uint8: { dtype: 'uint8', shape: [1], data: Uint8Array.of(255) },
  bool: { dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) },
  empty: { dtype: 'float32', shape: [0, 4], data: new Float32Array(0) },
  scalar: { dtype: 'float32', shape: [], data: Float32Array.of(2) },
};

/** A state with everything that a state can hold. */
export function fullState(step = 4): TrainingState {
  return {
    version: 1,
    strategy: 'cola(lora)',
    fingerprint: '0123abcd',
    seed: 4294967295,
    step,
    totalSteps: 12,
    position: { epoch: 1, batch: 2 },
    targets: ['layer.0.query', 'layer.1.query'],
    tensors: { ...everyDtype, 'strategy/link/rate': -0, 'strategy/start': 0.1 + 0.2 },
    starts: { 'adapter/layer.0.query/a': 3 },
    finished: [
      {
        source: '0',
        targets: ['layer.0.query'],
        params: { 'layer.0.query/a': everyDtype.float32 as HostArray },
        state: { step: 3 },
      },
    ],
    best: {
      step: 2,
      value: Number.NEGATIVE_INFINITY,
      evaluation: { loss: Number.NaN, metrics: { $share: 0.5, accuracy: -0 } },
      stale: 1,
      tensors: { 'adapter/x': everyDtype.int8 as HostArray },
      finishedCount: 0,
    },
    evaluation: { loss: 0.25, metrics: {} },
    settings: { 'strategy.rank': 2, 'data.shuffle': true, backend: 'cpu', 'optimizer.weightDecay': -0 },
  };
}
