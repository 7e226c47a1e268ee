export { contractVariants } from './contractVariants.ts';
export { checkGoldenRun, goldenRuns } from './goldenRuns.ts';
export { ranksFound } from './ranksFound.ts';
