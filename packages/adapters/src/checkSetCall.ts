import { type AnyModel, PeftError } from '@peft/core';
import type { AdapterSetOptions } from './adapterSet.ts';

/** Refuses a call of `adapterSet` without a model, or with options that are none. Throws `adapters/set` with all that is wrong. */
export function checkSetCall(model: AnyModel, options: AdapterSetOptions): void {
  const isModel = Array.isArray(model?.targets) && typeof model.apply === 'function' && model.weights !== undefined;
  const given: Readonly<Record<string, unknown>> = typeof options === 'object' && options !== null ? options : {};
  const unknown = Object.keys(given).filter((name) => name !== 'engine');
  const { engine } = given as { readonly engine?: { readonly compile?: unknown } | null };
  const problems = [
    !isModel &&
      'the model is none; pass a record { targets, weights, apply }, or what loadPretrained of @peft/models read',
    given !== options && 'the options are no record; pass { engine }, or leave them out',
    ...unknown.map((name) => `"${name}" is no option; the option is engine`),
    engine !== undefined &&
      typeof engine?.compile !== 'function' &&
      'engine cannot compile; pass one, as onnxEngine() of @peft/onnx-backend, or leave it out',
  ].filter((problem) => typeof problem === 'string');
  if (problems.length === 0) return;
  const list = problems.length === 1 ? ` ${problems[0]}.` : problems.map((problem) => `\n- ${problem}.`).join('');
  throw new PeftError('adapters/set', `adapterSet:${list}`);
}
