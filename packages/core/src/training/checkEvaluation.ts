import { PeftError } from '@peft/ops';
import type { AnyModel } from '../model.ts';
import { requireTrained } from '../requireTrained.ts';
import { checkModel } from './checkModel.ts';
import { isReadable } from './checkOptionKinds.ts';

const known = ['data', 'loss', 'adapter', 'engine'];

/** Refuses a call of `evaluate` that is none. Throws `model/record`, `evaluate/options` with all that is wrong, and those of `requireTrained`. */
export function checkEvaluation(model: AnyModel, options: unknown): void {
  checkModel(model, 'evaluate');
  const given = (typeof options === 'object' && options !== null ? options : {}) as Readonly<Record<string, unknown>>;
  const { loss, engine } = given as {
    readonly loss?: { readonly sum?: unknown };
    readonly engine?: { compile?: unknown };
  };
  const unknown = Object.keys(given).filter((name) => !known.includes(name));
  const problems = [
    ...unknown.map((name) => `"${name}" is no option; the options are ${known.join(', ')}`),
    typeof loss?.sum !== 'function' && 'loss is missing; pass one, for example classification()',
    !isReadable(given.data) &&
      'data is neither a data source nor an iterable of batches; pass one, for example batches(columns, { batchSize })',
    engine !== undefined &&
      typeof engine?.compile !== 'function' &&
      'engine cannot compile; pass one, for example onnxEngine() of @peft/onnx-backend, or leave it out',
  ].filter((problem) => typeof problem === 'string');
  if (problems.length > 0) {
    const list = problems.length === 1 ? ` ${problems[0]}.` : problems.map((problem) => `\n- ${problem}.`).join('');
    throw new PeftError('evaluate/options', `evaluate:${list}`);
  }
  if (given.adapter !== undefined) requireTrained(given.adapter, 'evaluate: the adapter');
}
