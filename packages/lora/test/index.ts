export { contractVariants, roundingVariants } from './contractVariants.ts';
export { checkGoldenBase, checkGoldenCase, goldenCases } from './goldenCases.ts';
export { checkGoldenMask, goldenMasks } from './goldenMasks.ts';
