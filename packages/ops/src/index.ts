export { bits } from './bits.ts';
export { dropout } from './dropout.ts';
export { isPeftError, PeftError } from './error.ts';
export { fold, type Seed } from './fold.ts';
export { gather } from './gather.ts';
export { matMul } from './matMul.ts';
export { normals } from './normals.ts';
export { permutation } from './permutation.ts';
export { uniforms } from './uniforms.ts';
