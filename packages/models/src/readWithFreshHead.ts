import { type ModelFolder, type ModelParameter, readModelWeights } from '@peft/checkpoint';
import { PeftError, type Seed, sizeOf, Weights } from '@peft/core';
import { freshWeights } from './freshWeights.ts';

type Parameters = ReadonlyMap<string, ModelParameter>;
type Folder = Pick<ModelFolder, 'tensors'> & {
  readonly parameters: Parameters;
  /** Modules whose parameters may be drawn. */
  readonly head: readonly string[];
};

/**
 * A folder's weights, with those of the head drawn where the folder lacks them or has them in another size.
 * @throws PeftError `checkpoint/tensors` for whatever else does not fit, `model/fresh-head` for a head that no folder of
 * this size can mean.
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
  requireSmallHead(drawn, tensors);
  const read = await readModelWeights({ tensors: others(tensors) }, others(parameters));
  return new Weights([...read.paths.map((path) => [path, read.get(path)] as const), ...freshWeights(drawn, draw)]);
}

// A small head passes, whatever it stands on.
const alwaysDrawn = 1 << 14;

/** The number of classes stands in config.json alone: it must not say how much memory is taken. */
function requireSmallHead(
  drawn: readonly (readonly [string, { readonly shape: readonly number[] }])[],
  tensors: Folder['tensors'],
): void {
  const count = drawn.reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0);
  const stored = [...tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (count <= Math.max(alwaysDrawn, stored)) return;
  const said = drawn.map(([path, { shape }]) => `${path} [${shape}]`).join(', ');
  throw new PeftError(
    'model/fresh-head',
    `the head to draw has ${count} values (${said}), and the folder holds ${stored} bytes of weights in all; correct num_labels in config.json.`,
  );
}
