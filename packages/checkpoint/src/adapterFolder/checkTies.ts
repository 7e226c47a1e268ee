import type { AnyModel, Target } from '@peft/core';
import type { AdapterSettings } from './adapterSettings.ts';
import { requireNone } from './checkConfig.ts';
import { isSavedWhole } from './parameterName.ts';

type TieContext = {
  readonly model: AnyModel;
  readonly targets: readonly Target[];
  readonly settings: AdapterSettings;
};

/**
 * Refuses `ensure_weight_tying` where the adapter touches an embedding that shares its table with a head, since Python
 * then trains one change for both (`checkpoint/adapter-config`); elsewhere the setting does nothing.
 */
export function checkTies(what: string, isEnsured: unknown, { model, targets, settings }: TieContext): void {
  if (isEnsured !== true || !model.targets.some(({ kind }) => kind === 'transposed-dense')) return;
  const shared = model.targets.filter(({ kind }) => kind === 'embedding' || kind === 'transposed-dense');
  const touched = shared.filter(
    (target) => targets.includes(target) || isSavedWhole(`${target.path}.weight`, settings.modulesToSave),
  );
  requireNone(
    what,
    touched.map(
      ({ path }) =>
        `ensure_weight_tying is true: Python ties the adapters of an embedding and its head, and "${path}" is adapted or trained whole; train it in Python without the setting`,
    ),
  );
}
