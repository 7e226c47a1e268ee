// The checks of benchmarks/cuda/run on a simulated device, where a C++ compiler is:
// node --expose-gc scripts/runSource.mjs benchmarks/src/cudaSimulated.ts --small --only operations,curves,resume,memory
import { simulatedControl, simulatedEngine } from '@peft/cuda-backend/test';
import { tellFindings } from './cuda/tellFindings.ts';

simulatedControl().configure();
await tellFindings('benchmarks/src/cudaSimulated.ts', () => (precision) => simulatedEngine({ precision, fuses: true }));
