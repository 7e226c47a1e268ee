export { checkGoldenOptimizer, goldenOptimizers } from './goldenOptimizers.ts';
