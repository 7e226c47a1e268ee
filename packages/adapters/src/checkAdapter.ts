import {
  type AnyModel,
  checkFingerprint,
  PeftError,
  requireAdapter,
  rowTensors,
  type TrainedAdapter,
  tensorsOf,
} from '@peft/core';

/**
 * Refuses what is no adapter, one of another model or base, or one whose tensors are gone. Throws `adapter/none`,
 * `adapters/targets`, `model/fingerprint` and `adapters/disposed-tensors`.
 */
export function checkAdapter(model: AnyModel, trained: TrainedAdapter, what: string): void {
  requireAdapter(trained, what);
  const known = new Map(model.targets.map((target) => [target.path, target]));
  const foreign = trained.targets.flatMap(({ path, kind, shape }) => {
    const own = known.get(path);
    if (own && own.kind === kind && `${own.shape}` === `${shape}`) return [];
    return [`"${path}" (${kind} [${shape}]${own ? `, here ${own.kind} [${own.shape}]` : ''})`];
  });
  const lacks = (path: string) => !model.weights.has(path);
  const missing = Object.keys(trained.trained)
    .filter(lacks)
    .map((path) => `"${path}" (trained whole)`);
  const tables = Object.keys(trained.tokenRows).filter((table) => lacks(`${table}.weight`));
  const wrong = [...foreign, ...missing, ...tables.map((table) => `"${table}" (trained rows)`)];
  if (wrong.length > 0) {
    const shown = wrong.slice(0, 4).join(', ');
    throw new PeftError(
      'adapters/targets',
      `${what} changes ${shown}${wrong.length > 4 ? ` and ${wrong.length - 4} more` : ''}, which this model does not have; load the model it was trained on.`,
    );
  }
  checkFingerprint(model, trained.fingerprint, what);
  const gone = adapterTensors(trained).filter((tensor) => tensor.isDisposed).length;
  if (gone === 0) return;
  throw new PeftError(
    'adapters/disposed-tensors',
    `${what} has ${gone} tensors that were disposed of; load it again, or do not free a run's result that is still to serve.`,
  );
}

/** Every tensor that a trained adapter holds. */
export function adapterTensors({ adapter, trained, tokenRows }: TrainedAdapter) {
  const rows = rowTensors(tokenRows);
  return tensorsOf({ params: adapter.params, state: adapter.state, trained, rows });
}
