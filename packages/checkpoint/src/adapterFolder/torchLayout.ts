import type { HostArray, Target } from '@peft/core';
import { swapAxes } from '../modelFolder/swapAxes.ts';
import type { Axes } from './pythonMethods.ts';

/** The shape that a file gives an array of the library. */
export function shapeInFile(shape: readonly number[], axes: Axes): readonly number[] {
  if (axes === 'column') return [...shape, 1];
  return axes === 'swapped' ? [...shape].reverse() : shape;
}

/** An array of the library as a file has it. */
export function toFileLayout(array: HostArray, axes: Axes): HostArray {
  const { shape } = array;
  if (axes === 'swapped') return swapAxes(array, shape[0] as number, shape[1] as number);
  return { ...array, shape: shapeInFile(shape, axes) };
}

/** An array of a file as the library has it. */
export function fromFileLayout(array: HostArray, axes: Axes): HostArray {
  return axes === 'column' ? { ...array, shape: array.shape.slice(0, -1) } : toFileLayout(array, axes);
}

/** The layout of a base's own parameter; undefined where only the model that made it knows. */
export function parameterAxes(path: string, rank: number, modules: readonly Target[]): Axes | undefined {
  if (rank < 2 || !path.endsWith('.weight')) return 'same';
  const module = modules.find((each) => `${each.path}.weight` === path);
  if (module?.fanInFanOut) return 'same';
  return module && weightAxes[module.kind];
}

/** torch keeps a linear layer's weight as [out, in], and an embedding's and a tied head's as the library does. */
const weightAxes: Readonly<Record<string, Axes>> = {
  dense: 'swapped',
  embedding: 'same',
  'transposed-dense': 'same',
};
