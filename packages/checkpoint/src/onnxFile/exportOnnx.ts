import type { AnyModel } from '@peft/core';
import type { DynamicOnnxModel } from '@peft/graph';
import { writeFolder } from '../atomic/writeFolder.ts';
import { nodeModule } from '../nodeModule.ts';
import { type ModelToOnnxOptions, modelToOnnx } from './modelToOnnx.ts';

export type ExportOnnxOptions = Omit<ModelToOnnxOptions, 'file'>;

/**
 * Writes a model's inference as an ONNX file for any batch size and length: the model's own, with an adapter merged, or
 * with the adapter beside the weights. External weights go to `<file>.data`. A failure leaves the old files in place.
 * @throws PeftError as `modelToOnnx` and `writeFolder`; GraphError `graph/dynamic`
 */
export async function exportOnnx(
  model: AnyModel,
  file: string,
  options: ExportOnnxOptions = {},
): Promise<Pick<DynamicOnnxModel, 'inputs' | 'outputs'>> {
  const { basename, dirname, resolve } = nodeModule('node:path');
  const name = basename(resolve(file));
  const { model: bytes, external, inputs, outputs } = await modelToOnnx(model, { ...options, file: `${name}.data` });
  await writeFolder(dirname(resolve(file)), {
    ...(external && { [external.file]: external.chunks }),
    [name]: bytes,
  });
  return { inputs, outputs };
}
