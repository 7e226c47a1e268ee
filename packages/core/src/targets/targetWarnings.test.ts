import { expect, it } from 'vitest';
import { targetWarnings } from './targetWarnings.ts';

const leaves = ['query', 'value'];
const model = [0, 1, 2].flatMap((layer) =>
  leaves.map((leaf) => ({ path: `h.layer.${layer}.${leaf}`, kind: 'dense', shape: [2, 2] })),
);

it('is silent when every option is of use', () => {
  expect(targetWarnings(model, { targets: ['query', 'value'], exclude: ['0.query'], layers: [0, 1] })).toEqual([]);
  expect(targetWarnings(model, { targets: '.*query', exclude: '.*0.*', modulesToSave: ['norm'] })).toEqual([]);
});

it('names excludes that match nothing', () => {
  expect(targetWarnings(model, { targets: ['query'], exclude: ['value', 'key', 'dense'] })).toEqual([
    'exclude "key" matches none of the model\'s 6 targets; correct or remove it.',
    'exclude "dense" matches none of the model\'s 6 targets; correct or remove it.',
  ]);
  expect(targetWarnings(model, { targets: ['query'], exclude: 'value' })).toEqual([
    'exclude "value" matches none of the model\'s 6 targets; correct or remove it.',
  ]);
  expect(targetWarnings(model, { targets: ['query'], exclude: /value/ })).toEqual([
    "exclude /value/ matches none of the model's 6 targets; correct or remove it.",
  ]);
});

it('names listed targets whose every match is left out', () => {
  expect(targetWarnings(model, { targets: ['query', 'value', '2.query'], exclude: ['value'], layers: [0, 1] })).toEqual(
    [
      '"value" selects nothing: exclude, modulesToSave or layers leave out all it matches (3 targets); remove it or loosen these.',
      '"2.query" selects nothing: exclude, modulesToSave or layers leave out all it matches (1 target); remove it or loosen these.',
    ],
  );
});

it('names layers that hold nothing, and whole names outside them', () => {
  expect(
    targetWarnings(model, { targets: ['query', 'h.layer.2.value'], exclude: ['1.query'], layers: [0, 1] }),
  ).toEqual([
    'no selected target lies in layer 1; widen targets or change layers.',
    '"h.layer.2.value" is named whole and is selected outside layers 0, 1; remove the name to filter it.',
  ]);
});

it('says that an empty list of layers means every layer', () => {
  expect(targetWarnings(model, { targets: ['query'], layers: [] })).toEqual([
    'layers is an empty list, which means every layer as in Python PEFT; leave it out or list layers.',
  ]);
});
