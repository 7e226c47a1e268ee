export { chainLaws, type MakeChain } from './chainLaws.ts';
export { requireClose, requireSameSnapshot } from './equality.ts';
export { type PlantedMaps, plantedMaps } from './plantedMaps.ts';
export { type Law, type LawOptions, strategyLaws } from './strategyLaws.ts';
export { toyData, toyModel } from './toyModel.ts';
export { type ToyParams, toyStrategy } from './toyStrategy.ts';
