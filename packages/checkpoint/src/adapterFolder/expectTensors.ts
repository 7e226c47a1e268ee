import type { AnyModel, Target, TensorShapes } from '@peft/core';
import type { AdapterSettings } from './adapterSettings.ts';
import type { ModuleNames } from './moduleNames.ts';
import { isSavedWhole, isTrainedBias, namePrefix, parameterName } from './parameterName.ts';
import type { Axes, PythonMethod } from './pythonMethods.ts';
import { parameterAxes, shapeInFile } from './torchLayout.ts';

/** A tensor that a file must have, where it goes, and how it lies in the file. */
export type ExpectedTensor = {
  /** In torch's layout. */
  readonly shape: readonly number[];
  /** Undefined for a parameter whose layout only the model that made it knows. */
  readonly axes: Axes | undefined;
  /** Why it is expected, where the configuration does not say so itself. */
  readonly because?: string;
  readonly goesTo:
    | { readonly target: string; readonly part: string }
    | { readonly parameter: string }
    | { readonly table: string };
};

/** Adapted targets, and what the file calls modules. */
export type NamedTargets = { readonly targets: readonly Target[]; readonly names: ModuleNames };

/** The tensors of the adapted targets, by their names in the file. */
export function expectParts(
  shapes: TensorShapes,
  { tensors }: PythonMethod,
  { targets, names }: NamedTargets,
): ReadonlyMap<string, ExpectedTensor> {
  return new Map(
    targets.flatMap((target) =>
      Object.entries(shapes[target.path] ?? {}).map(([part, shape]): [string, ExpectedTensor] => {
        const { name = part, axes = 'same' } = tensors[target.kind]?.[part] ?? {};
        const goesTo = { target: target.path, part };
        return [`${namePrefix}${names.module(target.path)}.${name}`, { shape: shapeInFile(shape, axes), axes, goesTo }];
      }),
    ),
  );
}

/** The parameters trained whole, by their names in the file. */
export function expectParameters(
  model: AnyModel,
  { bias, modulesToSave, taskHeads }: Pick<AdapterSettings, 'bias' | 'modulesToSave' | 'taskHeads'>,
  { targets, names }: NamedTargets,
): ReadonlyMap<string, ExpectedTensor> {
  const paths = model.weights.paths.filter(
    (path) => isSavedWhole(path, modulesToSave) || isTrainedBias(path, bias, targets),
  );
  return new Map(
    paths.map((path): [string, ExpectedTensor] => {
      const { shape } = model.weights.get(path);
      const axes = parameterAxes(path, shape.length, model.targets);
      const expected = { shape: shapeInFile(shape, axes ?? 'same'), axes, goesTo: { parameter: path } };
      const isOfTask = isSavedWhole(path, taskHeads);
      return [
        parameterName(path, targets, names),
        isOfTask
          ? { ...expected, because: 'Python trains the head of a task of this task_type, and of null none' }
          : expected,
      ];
    }),
  );
}
