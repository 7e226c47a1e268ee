import { type AnyModel, type DType, type HostArray, PeftError, toFloat32 } from '@peft/core';
import { problemList, quoted } from '../problemList.ts';
import type { SafetensorsFile } from '../safetensors/openSafetensors.ts';
import { showShape } from '../safetensors/tensorEntry.ts';
import type { ExpectedTensor } from './expectTensors.ts';
import type { ModuleNames } from './moduleNames.ts';
import { halves } from './narrowed.ts';
import { namePrefix } from './parameterName.ts';
import { isCopyOfRows } from './tokenRows.ts';
import { parameterAxes, shapeInFile, toFileLayout } from './torchLayout.ts';

/** What Python puts around a module: an adapter, a copy to train, rows to train. */
const wrappers = /\.(?:base_layer|original_module|token_adapter)(?=\.)/g;

/** So many lines are shown; the rest is counted. */
const shown = 50;

/**
 * Refuses a file that is not exactly what its configuration and the model expect, with every tensor that is missing,
 * misshapen, no float or left over (`checkpoint/adapter-tensors`). A copy of the base's own parameter is not left over.
 */
export async function checkAdapterTensors(
  { name, tensors }: SafetensorsFile,
  expected: ReadonlyMap<string, ExpectedTensor>,
  { model, names }: { readonly model: AnyModel; readonly names: ModuleNames },
): Promise<void> {
  const parameters = new Map(model.weights.paths.map((path) => [names.parameter(path), path]));
  const aliases = new Map(Object.entries(model.aliases ?? {}).map(([alias, path]) => [names.parameter(alias), path]));
  const problems: string[] = [];
  const missing: string[] = [];
  for (const [key, { shape, axes, because }] of expected) {
    const found = tensors.get(key);
    const wanted = `[${shape.join(', ')}] is expected${because === undefined ? '' : `, since ${because}`}`;
    if (axes === undefined)
      problems.push(`${quoted(key)}: its layout is not known, since it is no target of the model`);
    // Python writes tensors of rank 0, other tools leave them out.
    else if (found === undefined && !shape.includes(0)) {
      missing.push(key);
      problems.push(`${quoted(key)} is missing, and ${wanted}`);
    } else if (found !== undefined && `${found.shape}` !== `${shape}`)
      problems.push(`${quoted(key)} is [${showShape(found.shape)}], and ${wanted}`);
    else if (found !== undefined && !isFloat(found.dtype))
      problems.push(`${quoted(key)} is ${found.dtype}, and a float is expected`);
  }
  for (const key of tensors.keys()) {
    const problem = expected.has(key)
      ? undefined
      : await leftOver(key, { tensors }, { expected, model, parameters, aliases });
    if (problem) problems.push(`${quoted(key)} ${problem}${problems.length < shown ? nearest(key, missing) : ''}`);
  }
  if (problems.length === 0) return;
  throw new PeftError(
    'checkpoint/adapter-tensors',
    `${name}: the adapter does not fit its configuration and this model (${expected.size} tensors are expected, the file has ${tensors.size}); load the base it was trained on, or save it again:${problemList(problems, { shown })}`,
  );
}

type LeftOverContext = {
  readonly expected: ReadonlyMap<string, ExpectedTensor>;
  readonly model: AnyModel;
  /** The paths of the model's parameters by what the file calls them. */
  readonly parameters: ReadonlyMap<string, string>;
  /** The paths of those that Python keeps twice, by its other names. */
  readonly aliases: ReadonlyMap<string, string>;
};

async function leftOver(
  key: string,
  { tensors }: Pick<SafetensorsFile, 'tensors'>,
  { expected, model, parameters, aliases }: LeftOverContext,
): Promise<string | undefined> {
  // bias="all" makes Python write the biases of modules trained whole again under the names of their copies, in which the
  // adapter's name is left where they lie deeper.
  const plain = key.replace(/\.modules_to_save\.(?:[^.]+\.(?=[^.]+\.))?/, '.');
  if (expected.has(plain)) return undefined;
  if (await isCopyOfRows(key, { tensors }, expected)) return undefined;
  const name = plain.slice(namePrefix.length).replace(wrappers, '');
  const path = parameters.get(name) ?? aliases.get(name);
  if (!key.startsWith(namePrefix) || path === undefined) return 'belongs to nothing';
  const base = model.weights.get(path);
  const axes = parameterAxes(path, base.shape.length, model.targets);
  const stored = tensors.get(key);
  if (axes === undefined || stored === undefined || !isFloat(stored.dtype)) return 'belongs to nothing';
  // Before anything is copied: the file may have many such names and no bytes.
  const shape = shapeInFile(base.shape, axes);
  if (`${stored.shape}` !== `${shape}`) return `is a weight of another base: this model's is [${shape.join(', ')}]`;
  const found = await stored.read();
  const isAsItWas = parameters.has(name) || key.includes('.original_module.');
  const first = isAsItWas ? undefined : nameOf(path, expected);
  const other = first === undefined ? undefined : await tensors.get(first)?.read();
  if (other) return sameFloats(found, other) ? undefined : `differs from ${quoted(first ?? '')}, the same parameter`;
  const isSame = sameFloats(found, roundedAs(found.dtype, toFileLayout(base, axes)));
  return isSame ? undefined : "is a weight of another base: this model's differs";
}

/** What the file calls a parameter that is expected. */
function nameOf(path: string, expected: LeftOverContext['expected']): string | undefined {
  return [...expected].find(([, { goesTo }]) => 'parameter' in goesTo && goesTo.parameter === path)?.[0];
}

/** A whole file may have been rounded, copies of the base with the rest. */
function roundedAs(dtype: DType, array: HostArray): HostArray {
  if (dtype !== 'float16' && dtype !== 'bfloat16') return array;
  return { dtype, shape: array.shape, data: halves(toFloat32(array), dtype) };
}

function sameFloats(left: HostArray, right: HostArray): boolean {
  const values = toFloat32(right);
  return toFloat32(left).every((value, i) => value === values[i]);
}

/** What a left-over name may have been meant for: a missing one that differs in one place, by a few letters. */
function nearest(key: string, missing: readonly string[]): string {
  const near = missing.find((name) => differenceOf(key, name) <= 3);
  return near === undefined ? '' : `; was ${quoted(near)} meant?`;
}

function differenceOf(left: string, right: string): number {
  const longest = Math.min(left.length, right.length);
  let start = 0;
  while (start < longest && left[start] === right[start]) start++;
  let end = 0;
  while (end < longest - start && left.at(-1 - end) === right.at(-1 - end)) end++;
  return Math.max(left.length, right.length) - start - end;
}

function isFloat(dtype: string): boolean {
  return dtype.startsWith('float') || dtype === 'bfloat16';
}
