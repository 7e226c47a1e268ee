export { contractVariants, roundingVariants } from './contractVariants.ts';
export { checkGoldenBase, checkGoldenCase, goldenCases } from './goldenCases.ts';
export { checkGoldenFineTuning, goldenFineTunings } from './goldenFineTunings.ts';
export { checkGoldenMask, goldenMasks } from './goldenMasks.ts';
