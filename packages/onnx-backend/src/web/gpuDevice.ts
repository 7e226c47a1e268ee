import { OnnxError } from '../onnxError.ts';

/** The part of a WebGPU device that uploads need. */
export interface GpuDevice {
  createBuffer(descriptor: { size: number; usage: number; mappedAtCreation: true }): GpuBuffer;
}

export interface GpuBuffer {
  getMappedRange(): ArrayBuffer;
  unmap(): void;
  destroy(): void;
}

interface GpuAdapter {
  readonly info?: { readonly isFallbackAdapter?: boolean };
  readonly features: ReadonlySet<string>;
  readonly limits: Readonly<Record<string, number>>;
  requestDevice(descriptor: object): Promise<GpuDevice>;
}

interface Gpu {
  requestAdapter(options: { readonly powerPreference: 'high-performance' }): Promise<GpuAdapter | null>;
}

/** What ONNX Runtime asks of a device that it makes itself. */
const features = ['shader-f16', 'subgroups', 'timestamp-query'];
const limits = [
  'maxBindGroups',
  'maxBufferSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
];

/** Whether there is WebGPU on an adapter that is no emulation. */
export async function hasGpu(gpu = gpuOfPage()): Promise<boolean> {
  const adapter = await adapterOf(gpu);
  return adapter !== undefined && adapter.info?.isFallbackAdapter !== true;
}

/** A device with all that its adapter offers. @throws OnnxError `onnx/library` where there is none */
export async function openGpu(gpu = gpuOfPage()): Promise<GpuDevice> {
  const adapter = await adapterOf(gpu);
  if (!adapter) {
    throw new OnnxError(
      'onnx/library',
      'this browser offers no WebGPU adapter; choose the provider "wasm", or leave the choice to the engine.',
    );
  }
  return adapter.requestDevice({
    requiredFeatures: features.filter((name) => adapter.features.has(name)),
    requiredLimits: Object.fromEntries(
      limits.flatMap((name) => (adapter.limits[name] === undefined ? [] : [[name, adapter.limits[name]]])),
    ),
  });
}

async function adapterOf(gpu: Gpu | undefined): Promise<GpuAdapter | undefined> {
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  return adapter ?? undefined;
}

function gpuOfPage(): Gpu | undefined {
  return (globalThis.navigator as { gpu?: Gpu } | undefined)?.gpu;
}
