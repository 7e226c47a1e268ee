import { describe, expect, it } from 'vitest';
import { hasGpu, openGpu } from './gpuDevice.ts';

const adapter = (more: object = {}) => {
  const asked: object[] = [];
  const device = { createBuffer: () => ({}) as never };
  const made = {
    features: new Set(['shader-f16', 'texture-compression-bc']),
    limits: { maxBufferSize: 1024, maxTextureDimension1D: 8 },
    requestDevice: async (descriptor: object) => {
      asked.push(descriptor);
      return device;
    },
    ...more,
  };
  return { asked, device, gpu: { requestAdapter: async () => made } };
};

describe('hasGpu', () => {
  it('is true for an adapter that is no emulation', async () => {
    expect(await hasGpu(adapter().gpu)).toBe(true);
    expect(await hasGpu(adapter({ info: { isFallbackAdapter: false } }).gpu)).toBe(true);
    expect(await hasGpu(adapter({ info: { isFallbackAdapter: true } }).gpu)).toBe(false);
  });

  it('is false without WebGPU, without an adapter, and where asking fails', async () => {
    expect(await hasGpu(undefined)).toBe(false);
    expect(await hasGpu({ requestAdapter: async () => null })).toBe(false);
    expect(await hasGpu({ requestAdapter: () => Promise.reject(new Error('lost')) })).toBe(false);
  });
});

describe('openGpu', () => {
  it('asks for all limits and features of the adapter that ONNX Runtime uses', async () => {
    const { gpu, device, asked } = adapter();
    expect(await openGpu(gpu)).toBe(device);
    expect(asked).toEqual([{ requiredFeatures: ['shader-f16'], requiredLimits: { maxBufferSize: 1024 } }]);
  });

  it('refuses where there is none', async () => {
    await expect(openGpu(undefined)).rejects.toThrow(
      'this browser offers no WebGPU adapter; choose the provider "wasm", or leave the choice to the engine.',
    );
  });
});
