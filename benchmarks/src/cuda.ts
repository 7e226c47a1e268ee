// What benchmarks/cuda/run starts: the checks and times of the CUDA engine.
import { cudaEngine } from '@peft/cuda-backend';
import { onnxEngine } from '@peft/onnx-backend';
import { tellFindings } from './cuda/tellFindings.ts';

await tellFindings('benchmarks/cuda/run', (engine, log) => (precision) => {
  return engine === 'cuda' ? cudaEngine({ precision }) : onnxEngine({ onWarning: log });
});
