export { adapterOf, plainLora, variants } from './adaptersOf.ts';
export { copyOf } from './copyOf.ts';
export { narrowed, outputOf, plainOutput, toyIds, valuesOf } from './readings.ts';
export { summedWeights } from './summedWeights.ts';
