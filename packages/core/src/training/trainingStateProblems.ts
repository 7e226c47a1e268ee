import { sizeOf } from '../hostArray.ts';
import { kindOf } from '../kindOf.ts';

type Check = (value: unknown, path: string) => readonly string[];

/** What keeps a value from being a training state, each with its place; empty for one that is whole. */
export function trainingStateProblems(state: unknown): readonly string[] {
  const problems = whole(state, '');
  if (problems.length > 0) return problems;
  const { step, totalSteps, finished, best } = state as {
    readonly step: number;
    readonly totalSteps: number;
    readonly finished: readonly unknown[];
    readonly best?: { readonly finishedCount: number };
  };
  return [
    ...(step > totalSteps ? [`step is ${step}, beyond totalSteps, ${totalSteps}`] : []),
    ...(best && best.finishedCount > finished.length
      ? [`best.finishedCount is ${best.finishedCount}, and ${finished.length} links are finished`]
      : []),
  ];
}

const text: Check = (value, path) => (typeof value === 'string' ? [] : expected(value, path, 'a string'));
const number: Check = (value, path) => (typeof value === 'number' ? [] : expected(value, path, 'a number'));

const count: Check = (value, path) => {
  if (typeof value !== 'number') return expected(value, path, 'a number');
  return Number.isSafeInteger(value) && value >= 0
    ? []
    : [`${path} is ${value}, and a whole number from 0 is expected`];
};

const version: Check = (value, path) =>
  value === 0 ? [`${path} is 0, and a whole number from 1 is expected`] : count(value, path);

const shape: Check = (value, path) => listOf(count)(value, path);

const leaf: Check = (value, path) => {
  if (typeof value === 'number') return [];
  if (!isRecord(value) || !ArrayBuffer.isView(value.data)) return expected(value, path, 'a host array or a number');
  const wrong = [...text(value.dtype, `${path}.dtype`), ...shape(value.shape, `${path}.shape`)];
  if (wrong.length > 0) return wrong;
  const { length } = value.data as unknown as ArrayLike<number>;
  const { shape: lengths } = value as { readonly shape: readonly number[] };
  return sizeOf(lengths) === length ? [] : [`${path} has shape [${lengths}] and ${length} values`];
};

const snapshot = recordOf(leaf);

const evaluation = fields({ loss: number, metrics: recordOf(number) });

const whole = fields(
  {
    version,
    strategy: text,
    fingerprint: text,
    seed: count,
    step: count,
    totalSteps: count,
    position: fields({ epoch: count, batch: count }),
    targets: listOf(text),
    tensors: snapshot,
    starts: recordOf(count),
    finished: listOf(fields({ source: text, targets: listOf(text), params: snapshot, state: snapshot })),
  },
  {
    best: fields({ step: count, value: number, stale: count, finishedCount: count }, { evaluation, tensors: snapshot }),
    evaluation,
    settings: recordOf(setting),
    fileConfig: jsonOfObject,
  },
);

function setting(value: unknown, path: string): readonly string[] {
  return ['string', 'number', 'boolean'].includes(typeof value)
    ? []
    : expected(value, path, 'a string, a number or a boolean');
}

function jsonOfObject(value: unknown, path: string): readonly string[] {
  if (typeof value !== 'string') return expected(value, path, 'a string');
  try {
    if (isRecord(JSON.parse(value))) return [];
  } catch {}
  return [`${path} is ${JSON.stringify(value.slice(0, 40))}, and JSON of an object is expected`];
}

function fields(needed: Readonly<Record<string, Check>>, optional: Readonly<Record<string, Check>> = {}): Check {
  return (value, path) => {
    if (!isRecord(value)) return expected(value, path || 'the state', 'an object');
    const at = (key: string) => (path ? `${path}.${key}` : key);
    return [
      ...Object.entries(needed).flatMap(([key, check]) => check(value[key], at(key))),
      ...Object.entries(optional).flatMap(([key, check]) =>
        value[key] === undefined ? [] : check(value[key], at(key)),
      ),
    ];
  };
}

function listOf(check: Check): Check {
  return (value, path) =>
    Array.isArray(value)
      ? value.flatMap((item, index) => check(item, `${path}[${index}]`))
      : expected(value, path, 'an array');
}

function recordOf(check: Check): Check {
  return (value, path) =>
    isRecord(value)
      ? Object.entries(value).flatMap(([key, item]) => check(item, `${path} "${key}"`))
      : expected(value, path, 'an object');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function expected(value: unknown, path: string, kind: string): readonly string[] {
  return [`${path} is ${kindOf(value)}, and ${kind} is expected`];
}
