import { PeftError, Weights } from '@peft/core';
import type { StoredTensor } from '../lazyTensor.ts';
import { problemList, quoted } from '../problemList.ts';
import { type ModelParameter, storedShape } from './modelParameter.ts';
import type { ModelFolder } from './readModelFolder.ts';
import { swapAxes } from './swapAxes.ts';

/**
 * The weights of a model in the library's layout, with their stored dtype, from a folder in torch's.
 * Throws `checkpoint/tensors` with every tensor that is missing, unexpected, misshapen or not of floats.
 */
export async function readModelWeights(
  { tensors }: Pick<ModelFolder, 'tensors'>,
  parameters: ReadonlyMap<string, ModelParameter>,
): Promise<Weights> {
  checkTensors(tensors, parameters);
  const arrays = [...parameters].map(async ([name, { shape, inputAxes }]) => {
    const array = await (tensors.get(name) as StoredTensor).read();
    if (inputAxes === undefined) return [name, array] as const;
    const [fanIn, fanOut] = shape as readonly [number, number];
    return [name, swapAxes(array, fanOut, fanIn)] as const;
  });
  return new Weights(await Promise.all(arrays));
}

function checkTensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  parameters: ReadonlyMap<string, ModelParameter>,
): void {
  const problems: string[] = [];
  for (const [name, parameter] of parameters) {
    const tensor = tensors.get(name);
    const expected = storedShape(parameter);
    if (tensor === undefined) problems.push(`${quoted(name)} is missing`);
    else if (`${tensor.shape}` !== `${expected}`)
      problems.push(`${quoted(name)} is [${tensor.shape.join(', ')}], and the model has [${expected.join(', ')}]`);
    else if (!isFloat(tensor.dtype)) problems.push(`${quoted(name)} is ${tensor.dtype}, and weights are floats`);
  }
  for (const name of tensors.keys()) {
    if (!parameters.has(name)) problems.push(`${quoted(name)} is not a parameter of the model`);
  }
  if (problems.length === 0) return;
  throw new PeftError(
    'checkpoint/tensors',
    `the weights do not fit the model that config.json describes (${parameters.size} tensors are expected, the folder has ${tensors.size}); use the config and the weights of one model:${problemList(problems)}`,
  );
}

function isFloat(dtype: string): boolean {
  return dtype.startsWith('float') || dtype === 'bfloat16';
}
