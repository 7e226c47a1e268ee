export { simulatedEngine } from './engine/simulatedEngine.ts';
