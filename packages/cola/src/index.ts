export { type ColaState, cola } from './cola.ts';
export type { ColaOptions } from './colaOptions.ts';
export { linkLengths } from './linkLengths.ts';
