import type { Graph, Structure } from './graph.ts';

/** Outputs by name, nested again as the captured function returned them; its plain numbers included. */
export type Nested<T> = { readonly [key: string]: T | number | Nested<T> };

/** Puts a run's outputs back into the record that the captured function returned. */
export function outputTree<T>({ structure }: Pick<Graph, 'structure'>, outputs: ReadonlyMap<string, T>): Nested<T> {
  const visit = (level: Structure): Nested<T> =>
    Object.fromEntries(
      Object.entries(level).map(([key, entry]) => {
        if (typeof entry === 'number') return [key, entry];
        return [key, typeof entry.output === 'string' ? (outputs.get(entry.output) as T) : visit(entry as Structure)];
      }),
    );
  return visit(structure);
}
