import { expect, it } from 'vitest';
import { explainTargets } from './explainTargets.ts';
import type { TargetOptions } from './targetSelection.ts';

const paths = ['classifier.dense', 'embed', 'h.layer.0.key', 'h.layer.0.query', 'h.layer.2.query', 'h.layer.3.value'];
const model = paths.map((path) => ({ path, kind: path === 'embed' ? 'embedding' : 'dense', shape: [2, 2] }));

function reasons(options: TargetOptions): readonly string[] {
  return explainTargets([...model].reverse(), options).map(
    ({ path, matched, reason }) => `${path} ${matched ? '+' : '-'} ${reason}`,
  );
}

it('names the rule that decided, for every module', () => {
  const options = {
    targets: ['query', 'h.layer.3.value', 'embedding'],
    exclude: ['layer.0.query'],
    layers: [0, 1],
    modulesToSave: ['classifier'],
  };
  expect(reasons(options)).toEqual([
    'classifier.dense - kept whole by modulesToSave "classifier"',
    'embed - no rule matches; the nearest is "embedding"',
    'h.layer.0.key - no rule matches; the nearest is "query"',
    'h.layer.0.query - excluded by "layer.0.query"',
    'h.layer.2.query - suffix "query" matches, but layer 2 is not among layers 0, 1',
    'h.layer.3.value + matched name "h.layer.3.value", and a whole name is not filtered by layer (it is in layer 3)',
  ]);
});

it('says which layer number it read, or that there is none', () => {
  expect(reasons({ targets: ['dense', 'query'], layers: 2 })).toEqual([
    'classifier.dense - suffix "dense" matches, but no layer number can be read from the path',
    'embed - no rule matches; the nearest is "dense"',
    'h.layer.0.key - no rule matches; the nearest is "query"',
    'h.layer.0.query - suffix "query" matches, but layer 0 is not among layer 2',
    'h.layer.2.query + matched suffix "query"',
    'h.layer.3.value - no rule matches; the nearest is "dense"',
  ]);
});

it('shows what part of a path an expression reached', () => {
  const rest = paths.slice(0, 2);
  for (const targets of ['h.layer.[02].q', /h.layer.[02].q/g]) {
    const said = targets instanceof RegExp ? String(targets) : `"${targets}"`;
    expect(reasons({ targets, exclude: /.*key|.*value/ })).toEqual([
      ...rest.map((path) => `${path} - pattern ${said} does not match`),
      'h.layer.0.key - excluded by /.*key|.*value/',
      `h.layer.0.query - pattern ${said} matches only "h.layer.0.q" and must match the whole path`,
      `h.layer.2.query - pattern ${said} matches only "h.layer.2.q" and must match the whole path`,
      'h.layer.3.value - excluded by /.*key|.*value/',
    ]);
  }
});

it('explains "all-linear"', () => {
  const found = reasons({ targets: 'all-linear', outputHead: ['classifier.dense'], exclude: '.*\\.(key|value)' });
  expect(found).toEqual([
    'classifier.dense - "all-linear" leaves the output head alone',
    'embed - "all-linear" takes dense modules and this one is of kind embedding',
    'h.layer.0.key - excluded by ".*\\.(key|value)"',
    'h.layer.0.query + matched "all-linear": it is dense',
    'h.layer.2.query + matched "all-linear": it is dense',
    'h.layer.3.value - excluded by ".*\\.(key|value)"',
  ]);
});

it('says what to pass in place of what is no list of targets and no record of options', () => {
  const explain = explainTargets as (...given: readonly unknown[]) => unknown;
  expect(() => explain({ targets: model, weights: {} }, { targets: ['query'] })).toThrow(
    'target selection: a model was given in place of its targets; pass model.targets.',
  );
  for (const given of [undefined, null, 'query', [undefined], ['query']]) {
    expect(() => explain(given, { targets: ['query'] })).toThrow(
      'target selection: the targets are no list of records { path, kind, shape }; pass model.targets.',
    );
  }
  for (const [options, said] of [
    [undefined, 'undefined'],
    [null, 'null'],
    ['query', 'string'],
    [['query'], 'a list'],
  ]) {
    expect(() => explain(model, options)).toThrow(
      `target selection: the options are ${said}; pass a record, such as { targets: ["query", "value"] }.`,
    );
  }
  expect(() => explain(model, {})).toThrow(
    'target selection: targets is undefined; write a regular expression or a list of module names.',
  );
});
