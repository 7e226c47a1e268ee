export { CudaError } from './cudaError.ts';
