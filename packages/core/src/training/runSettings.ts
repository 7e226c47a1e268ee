import * as tf from '@tensorflow/tfjs';
import type { AnyStrategy } from '../strategy.ts';
import { isDataSource } from './dataSource.ts';
import type { FineTuneOptions } from './fineTune.ts';
import type { RunPlan } from './planRun.ts';

/** What a run was told to do, by dotted name, as far as plain values can say it. */
export type RunSettings = Readonly<Record<string, string | number | boolean>>;

/** At most this many rates stand for a schedule. */
const schedulePoints = 9;
/** Deeper options are not recorded; a record that holds itself must end somewhere. */
const deepest = 6;
/** A strategy may have a part for every key. */
const mostParts = 256;

/** The settings of a run: what its options say of themselves, and what its schedule gives. Functions are left out. */
export function runSettings(plan: RunPlan, options: FineTuneOptions): RunSettings {
  const { loss, optimizer, data, evaluation, earlyStopping, maxGradientNorm, engine } = options;
  return flatten({
    strategy: strategySettings(plan.strategy),
    trained: plan.trained,
    trainableTokens: Object.fromEntries(Object.entries(plan.tokenTables).map(([path, { ids }]) => [path, ids])),
    accumulate: plan.accumulate,
    loss: { name: loss.name, ...loss.options },
    data: dataSettings(data),
    optimizer: { name: optimizer.name, ...optimizer.options, weightDecay: optimizer.weightDecay },
    schedule: scheduleSettings(plan),
    groups: plan.groups,
    maxGradientNorm,
    evaluation: evaluation && {
      every: plan.evaluateEvery,
      metric: evaluation.metric,
      mode: evaluation.mode,
      data: dataSettings(evaluation.data),
    },
    earlyStopping,
    keepBest: plan.keepBest,
    engine: engine?.name ?? 'eager',
    backend: tf.getBackend(),
  });
}

/** A strategy's options and those of its parts, a part that says the same as the one before it left out. */
function strategySettings(strategy: AnyStrategy, left = { parts: mostParts }): object {
  const parts: Record<string, object> = {};
  let last = '';
  for (let index = 0; left.parts > 0; index++) {
    const found = strategy.part?.(String(index));
    if (!found) break;
    left.parts--;
    const settings = { name: found.name, ...strategySettings(found, left) };
    const text = JSON.stringify(flatten(settings));
    if (text !== last) parts[`part ${index}`] = settings;
    last = text;
  }
  return { ...strategy.options, ...parts };
}

function dataSettings(data: FineTuneOptions['data']): object {
  return isDataSource(data) ? { batchesPerEpoch: data.batchesPerEpoch, ...data.options } : {};
}

function scheduleSettings({ schedule, totalSteps }: RunPlan): Readonly<Record<string, number>> {
  const rates: Record<string, number> = {};
  for (let point = 0; point < schedulePoints; point++) {
    const step = Math.round(((totalSteps - 1) * point) / (schedulePoints - 1));
    // A schedule may refuse a life of this length although no leaf ever lives one.
    try {
      rates[`at step ${step}`] = schedule(step, totalSteps);
    } catch {}
  }
  return rates;
}

function flatten(value: object): RunSettings {
  const found: [string, string | number | boolean][] = [];
  const visit = (item: unknown, path: string, depth: number) => {
    if (typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean') found.push([path, item]);
    else if (item instanceof RegExp || typeof item === 'bigint') found.push([path, String(item)]);
    else if (Array.isArray(item) && item.every(isPlain)) found.push([path, `[${item.join(', ')}]`]);
    else if (typeof item === 'object' && item !== null && depth < deepest && !ArrayBuffer.isView(item)) {
      for (const key of Object.keys(item).sort()) {
        visit((item as Record<string, unknown>)[key], path ? `${path}.${key}` : key, depth + 1);
      }
    }
  };
  visit(value, '', 0);
  return Object.fromEntries(found);
}

function isPlain(item: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof item) || item instanceof RegExp;
}
