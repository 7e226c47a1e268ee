export { adapterOf, plainLora, variants } from './adaptersOf.ts';
export { outputOf, toyIds, valuesOf } from './readings.ts';
