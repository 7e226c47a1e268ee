import { type HostArray, PeftError, type Weights } from '@peft/core';
import { writeFolder } from '../atomic/writeFolder.ts';
import { problemList, quoted } from '../problemList.ts';
import { safetensorsChunks } from '../safetensors/writeSafetensors.ts';
import { type ModelParameter, storedShape } from './modelParameter.ts';
import { swapAxes } from './swapAxes.ts';

export interface WrittenModel {
  /** Written to config.json, in Python's names. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly weights: Weights;
  readonly parameters: ReadonlyMap<string, ModelParameter>;
}

/**
 * Writes config.json and model.safetensors in torch's layout, as transformers reads them. Throws
 * `checkpoint/tensors` with every parameter that the weights lack or hold in another shape, and the codes of `writeFolder`.
 */
export async function writeModelFolder(path: string, { config, weights, parameters }: WrittenModel): Promise<void> {
  checkWritten(weights, parameters);
  const stored = [...parameters].map(([name, parameter]): [string, HostArray] => {
    const array = weights.get(name);
    if (parameter.inputAxes === undefined) return [name, array];
    const [fanIn, fanOut] = parameter.shape as readonly [number, number];
    return [name, { ...swapAxes(array, fanIn, fanOut), shape: storedShape(parameter) }];
  });
  await writeFolder(path, {
    'config.json': new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`),
    'model.safetensors': safetensorsChunks(new Map(stored), { format: 'pt' }),
  });
}

function checkWritten(weights: Weights, parameters: ReadonlyMap<string, ModelParameter>): void {
  const problems = [...parameters].flatMap(([name, { shape }]) => {
    if (!weights.has(name)) return [`${quoted(name)} is missing`];
    const { shape: actual } = weights.get(name);
    return `${actual}` === `${shape}`
      ? []
      : [`${quoted(name)} is [${actual.join(', ')}], and the model has [${shape.join(', ')}]`];
  });
  if (problems.length === 0) return;
  throw new PeftError(
    'checkpoint/tensors',
    `the weights to write are not those of the model; pass its own, [in, out] where they multiply:${problemList(problems)}`,
  );
}
