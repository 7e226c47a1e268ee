export { simulatedEngine } from './engine/simulatedEngine.ts';
export { simulatedControl } from './simulator/simulatedLibraries.ts';
