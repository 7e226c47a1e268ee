import { type ModelFolder, type ModelParameter, readModelWeights } from '@peft/checkpoint';
import { type Seed, sizeOf, Weights } from '@peft/core';
import { freshWeights } from './freshWeights.ts';

type Parameters = ReadonlyMap<string, ModelParameter>;
type Folder = Pick<ModelFolder, 'tensors'> & {
  readonly parameters: Parameters;
  /** Modules whose parameters may be drawn. */
  readonly head: readonly string[];
};

/**
 * A folder's weights, with those of the head drawn where the folder lacks them or has them in another size.
 * @throws PeftError `checkpoint/tensors` for whatever else does not fit.
 */
export async function readWithFreshHead(
  { tensors, parameters, head }: Folder,
  draw: { readonly deviation: number; readonly seed: Seed },
): Promise<Weights> {
  const isDrawn = (path: string) => {
    const { shape } = parameters.get(path) ?? { shape: [] };
    const stored = tensors.get(path)?.shape;
    const fits = stored !== undefined && sizeOf(stored) === sizeOf(shape);
    return !fits && head.some((module) => path.startsWith(`${module}.`));
  };
  const drawn = [...parameters].filter(([path]) => isDrawn(path));
  const others = <Value>(map: ReadonlyMap<string, Value>) =>
    new Map([...map].filter(([path]) => !drawn.some(([each]) => each === path)));
  const read = await readModelWeights({ tensors: others(tensors) }, others(parameters));
  return new Weights([...read.paths.map((path) => [path, read.get(path)] as const), ...freshWeights(drawn, draw)]);
}
