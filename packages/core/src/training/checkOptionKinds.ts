import { requireInRange } from '../requireInRange.ts';
import type { FineTuneOptions } from './fineTune.ts';
import type { Problems } from './problems.ts';

/** Refuses options that are not of their kind: what the types say, for callers without them. */
export function checkOptionKinds(options: FineTuneOptions, problems: Problems): void {
  const { strategy, optimizer, loss, data, schedule, bias = 'none', evaluation, engine } = options;
  problems.when(
    strategy !== undefined && typeof strategy?.init !== 'function',
    `strategy is ${describe(strategy)}, which is none; pass what a method returns, for example lora({ rank: 8 }).`,
  );
  problems.when(typeof optimizer?.update !== 'function', 'optimizer is missing; pass one, for example adamw().');
  problems.when(typeof loss?.sum !== 'function', 'loss is missing; pass one, for example classification().');
  problems.when(
    !isReadable(data),
    'data is neither a data source nor an iterable of batches; pass one, for example batches(columns, { batchSize }).',
  );
  problems.when(
    evaluation !== undefined && !isReadable(evaluation.data),
    'evaluation.data is neither a data source nor an iterable of batches; pass one, for example batches(columns, { batchSize }).',
  );
  problems.when(
    engine !== undefined && typeof engine?.compile !== 'function',
    `engine is ${describe(engine)}, which cannot compile; pass one, for example onnxEngine() of @peft/onnx-backend, or leave it out.`,
  );
  if (typeof schedule === 'number') problems.of(() => requireInRange('fineTune', { schedule }, { from: 0 }));
  else {
    problems.when(
      typeof schedule !== 'function',
      `schedule is ${describe(schedule)}; pass a learning rate or a function of the step, for example warmup(100, linear(5e-4)).`,
    );
  }
  problems.when(
    !['none', 'all', 'adapted'].includes(bias),
    `bias is ${describe(bias)}; it must be "none", "all" or "adapted".`,
  );
  if (!evaluation) return;
  const { metric = 'loss', mode } = evaluation;
  const known = ['loss', ...Object.keys(loss?.metrics ?? {})];
  problems.when(
    !known.includes(metric),
    `evaluation.metric is ${describe(metric)}; this loss reports ${known.join(', ')}.`,
  );
  problems.when(
    mode === undefined && metric !== 'loss' && known.includes(metric),
    `evaluation.metric is "${metric}" without a mode; pass mode: "max" if more is better, or "min".`,
  );
  problems.when(
    mode !== undefined && !['min', 'max'].includes(mode),
    `evaluation.mode is ${describe(mode)}; it must be "min" or "max".`,
  );
}

/** Whether this can be read as batches. */
export function isReadable(data: unknown): boolean {
  if (typeof data !== 'object' || data === null) return false;
  return Symbol.iterator in data || Symbol.asyncIterator in data || 'batches' in data;
}

function describe(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  return typeof value === 'string' ? `"${value}"` : String(value);
}
