export { contractChains, contractLinks, searching } from './contractLinks.ts';
export { floorOf, requireFloors, residuals } from './plantedProblem.ts';
