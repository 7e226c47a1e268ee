import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { refusal, trainWith, type WrongCall } from '../../test/refusals.ts';
import { toyBatches } from '../testing/lawRun.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const store = { save: async () => {}, load: async () => undefined };

const emptyState = {
  version: 1,
  strategy: 'toy',
  fingerprint: '',
  seed: 5,
  step: 2,
  totalSteps: 6,
  position: { epoch: 0, batch: 2 },
  targets: [],
  tensors: {},
  starts: {},
  finished: [],
};

/** A leaf whose shape is not that of its values. */
const wrongLeaf = { dtype: 'float32', shape: [3], data: new Float32Array(2) };
const cases: readonly WrongCall[] = [
  [
    'a plain iterable',
    trainWith({ data: toyBatches(), resume: emptyState }),
    'option/conflict: fineTune: a plain iterable cannot be resumed: it has no position to return to; pass a data source such as batches().',
  ],
  [
    'checkpoints over a plain iterable',
    trainWith({ data: toyBatches(), checkpoints: { store, every: 1 } }),
    'option/conflict: fineTune: a run over a plain iterable cannot be resumed, so saving its state is of no use; pass a data source such as batches().',
  ],
  ...(
    [
      ['a text', '"save-000001"', 'a string'],
      ['nothing', null, 'null'],
      ['a list', [], 'an array'],
    ] as const
  ).map(
    ([what, resume, kind]): WrongCall => [
      what,
      trainWith({ resume }),
      `resume/state: fineTune: resume is no training state; pass what store.load() or run.state() gave:\n- the state is ${kind}, and an object is expected.`,
    ],
  ),
  [
    'a state that was not waited for',
    trainWith({ resume: Promise.resolve(undefined) }),
    'resume/state: fineTune: resume is a promise; pass await store.load() or await run.state().',
  ],
  [
    'a record of something else',
    trainWith({ resume: {} }),
    `resume/state: fineTune: resume is no training state; pass what store.load() or run.state() gave:
- version is absent, and a number is expected.
- strategy is absent, and a string is expected.
- fingerprint is absent, and a string is expected.
- seed is absent, and a number is expected.
- step is absent, and a number is expected.
- totalSteps is absent, and a number is expected.
- position is absent, and an object is expected.
- targets is absent, and an array is expected.
- tensors is absent, and an object is expected.
- starts is absent, and an object is expected.
- finished is absent, and an array is expected.`,
  ],
  [
    'a state with wrong parts',
    trainWith({
      resume: {
        ...emptyState,
        version: 0,
        step: 1.5,
        position: { epoch: -1, batch: '2' },
        targets: ['embed', 3],
        tensors: { 'adapter/a': wrongLeaf, 'adapter/b': 'x', 'adapter/c': { ...wrongLeaf, shape: [1.5] } },
        finished: [{ source: '0', targets: [], params: [], state: {} }],
        best: { step: 1, value: 'low', stale: 0, finishedCount: 0, evaluation: { loss: 1, metrics: { f: '1' } } },
        settings: { 'strategy.rank': {} },
        fileConfig: '[1',
      },
    }),
    `resume/state: fineTune: resume is no training state; pass what store.load() or run.state() gave:
- version is 0, and a whole number from 1 is expected.
- step is 1.5, and a whole number from 0 is expected.
- position.epoch is -1, and a whole number from 0 is expected.
- position.batch is a string, and a number is expected.
- targets[1] is a number, and a string is expected.
- tensors "adapter/a" has shape [3] and 2 values.
- tensors "adapter/b" is a string, and a host array or a number is expected.
- tensors "adapter/c".shape[0] is 1.5, and a whole number from 0 is expected.
- finished[0].params is an array, and an object is expected.
- best.value is a string, and a number is expected.
- best.evaluation.metrics "f" is a string, and a number is expected.
- settings "strategy.rank" is an object, and a string, a number or a boolean is expected.
- fileConfig is "[1", and JSON of an object is expected.`,
  ],
  [
    'a state that contradicts itself',
    trainWith({
      resume: { ...emptyState, step: 7, best: { step: 1, value: 0, stale: 0, finishedCount: 2 } },
    }),
    `resume/state: fineTune: resume is no training state; pass what store.load() or run.state() gave:
- step is 7, beyond totalSteps, 6.
- best.finishedCount is 2, and 0 links are finished.`,
  ],
];

it.each(cases)('%s', async (_what, call, says) => {
  expect(await refusal(call)).toBe(says);
});
