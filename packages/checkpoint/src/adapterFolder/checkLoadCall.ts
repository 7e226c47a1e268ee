import type { AnyModel } from '@peft/core';
import type { FolderSource } from '../openFolder.ts';
import { adapterNameProblem } from './adapterName.ts';
import { sayValue } from './fieldValue.ts';
import { folderProblem } from './folderProblem.ts';
import type { LoadAdapterOptions } from './loadAdapter.ts';
import { requireArguments, unknownOptions } from './requireArguments.ts';

const known: Readonly<Record<keyof LoadAdapterOptions, true>> = {
  formats: true,
  adapter: true,
  checkBase: true,
  onWarning: true,
};

/** Refuses a call of `loadAdapter` that the types would not allow (`checkpoint/options`). */
export function checkLoadCall(source: FolderSource, model: AnyModel, options: LoadAdapterOptions): void {
  const given: Partial<Record<keyof LoadAdapterOptions, unknown>> = options ?? {};
  const { formats, adapter, checkBase, onWarning } = given;
  requireArguments('loadAdapter', [
    folderProblem(source),
    (!Array.isArray(model?.targets) || typeof model.weights?.fingerprint !== 'function') &&
      'the model is no record { targets, weights, apply }; pass one, or a model that loadPretrained of @peft/models read',
    unknownOptions(given, Object.keys(known)),
    !isFormats(formats) &&
      `formats is ${sayValue(formats)}; pass the file formats that may be in the folder, as { formats: [loraFileFormat] }`,
    adapterNameProblem(adapter),
    checkBase !== undefined &&
      typeof checkBase !== 'boolean' &&
      `checkBase is ${sayValue(checkBase)}; pass true or false`,
    onWarning !== undefined &&
      typeof onWarning !== 'function' &&
      `onWarning is ${sayValue(onWarning)}; pass a function of the text`,
  ]);
}

function isFormats(formats: unknown): boolean {
  return Array.isArray(formats) && formats.every((format) => typeof format?.decode === 'function');
}
