import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { tiedColumns, tiedModel } from '../../test/tiedModel.ts';
import { adamw } from '../optimizers/adamw.ts';
import type { AnyStrategy } from '../strategy.ts';
import { toyStrategy } from '../testing/toyStrategy.ts';
import { batches } from './dataSource.ts';
import { fineTune } from './fineTune.ts';
import { classification } from './loss.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const call =
  (changes: Readonly<Record<string, unknown>>, model = {}) =>
  () =>
    fineTune({ ...tiedModel(), ...model }, {
      loss: classification(),
      data: batches(tiedColumns, { batchSize: 6 }),
      steps: 1,
      optimizer: adamw(),
      schedule: 0.1,
      progress: false,
      ...changes,
    } as never);

const known = 'the model\'s embeddings are "embed".';
const neither =
  'fineTune: trainableTokens is neither a list of row numbers nor a record of such lists by table; pass one, for example [5, 17] or { "embed": [5, 17] }.';
const strategy = toyStrategy() as AnyStrategy;

it.each([
  ['a number', call({ trainableTokens: 5 }), neither],
  ['nothing by table', call({ trainableTokens: {} }), neither],
  ['a number by table', call({ trainableTokens: { embed: 5 } }), neither],
  [
    'a list for a model that does not say what it means',
    call({ trainableTokens: [5] }, { inputEmbedding: undefined }),
    `fineTune: trainableTokens is a list, and the model does not say in which table it looks up its tokens; name the table, as { "embed": [5, 17] }: ${known}`,
  ],
  [
    'an unknown table',
    call({ trainableTokens: { bed: [5] } }),
    `fineTune: trainableTokens: no embedding is called "bed"; ${known}`,
  ],
  [
    'a layer that is no table',
    call({ trainableTokens: { query: [5] } }),
    `fineTune: trainableTokens: "query" is a dense layer, and rows are trained of embeddings; ${known}`,
  ],
  [
    'no rows',
    call({ trainableTokens: [] }),
    'fineTune: trainableTokens lists no rows of "embed"; list some, or leave it out.',
  ],
  [
    'rows that are none',
    call({ trainableTokens: [7, -1, 1.5, '2', null, 8] }),
    'fineTune: trainableTokens: "embed" has rows 0 to 6, and 7, -1, 1.5, "2" and more are none of them; list rows of the table, which may have to grow first.',
  ],
  [
    'a row beyond the last',
    call({ trainableTokens: [7] }),
    'fineTune: trainableTokens: "embed" has rows 0 to 6, and 7 is none of them; list rows of the table, which may have to grow first.',
  ],
  [
    'a row twice',
    call({ trainableTokens: [5, 0, 5] }),
    'fineTune: trainableTokens lists 5 of "embed" twice; list each row once.',
  ],
  [
    'a table by two names',
    call({ trainableTokens: { embed: [5], 'model.embed': [2] } }, renamed()),
    'fineTune: trainableTokens names rows of "model.embed" twice; put them in one list.',
  ],
  [
    'a table that is trained whole',
    call({ trainableTokens: [5], modulesToSave: ['embed'] }),
    'fineTune: modulesToSave trains "embed" whole, and trainableTokens rows of it; drop it from one of the two.',
  ],
  [
    'a table whose head is trained whole',
    call({ trainableTokens: [5], modulesToSave: ['head'] }),
    'fineTune: modulesToSave trains "head" whole, which shares the table of "embed" with the rows of trainableTokens; drop one of the two.',
  ],
  [
    'a table that is adapted',
    call({ trainableTokens: [5], strategy, targets: ['embed'] }),
    'fineTune: strategy "toy" adapts "embed", and trainableTokens trains rows of it; exclude it from targets, or drop it from trainableTokens.',
  ],
])('%s is refused', (_, fail, message) => {
  expect(fail).toThrow(expect.objectContaining({ message }));
});

it('all that is wrong is said at once', () => {
  const message = [
    'fineTune: 5 options are wrong:',
    `- fineTune: trainableTokens: "query" is a dense layer, and rows are trained of embeddings; ${known}`,
    `- fineTune: trainableTokens: no embedding is called "none"; ${known}`,
    '- fineTune: trainableTokens: "embed" has rows 0 to 6, and 9 is none of them; list rows of the table, which may have to grow first.',
    '- fineTune: trainableTokens lists 9 of "embed" twice; list each row once.',
    '- fineTune: steps is 0; it must be a whole number at least 1.',
  ].join('\n');
  const fail = call({ trainableTokens: { embed: [9, 9], query: [1], none: [1] }, steps: 0 });
  expect(fail).toThrow(expect.objectContaining({ message }));
});

function renamed() {
  const { targets, ...model } = tiedModel();
  return {
    ...model,
    targets: targets.map((target) => (target.path === 'embed' ? { ...target, path: 'model.embed' } : target)),
    ties: {},
  };
}
