import { capture, type InputTypes, type OnnxModel, type OutputTree, runPasses, toOnnx } from '@peft/graph';
import type { Model } from '../src/runtime.ts';

/** A captured function as a model whose weights are inputs. */
export function modelOf(run: (inputs: never) => OutputTree, inputs: InputTypes): Model {
  return asModel(toOnnx(runPasses(capture(run as never, { inputs })), { weights: 'inputs' }));
}

export function asModel({ model, inputs, parameters, outputs }: OnnxModel): Model {
  return { bytes: model, feeds: [...inputs, ...parameters], results: outputs };
}
