import { expect, it } from 'vitest';
import { atPlace } from './userPlace.ts';

const stack = (...frames: readonly string[]) => ['Error: no', ...frames.map((frame) => `    at ${frame}`)].join('\n');

it.each([
  [
    'the line beneath tfjs',
    [
      'own (/app/node_modules/@peft/graph/dist/index.js:1:2)',
      'relu (/app/node_modules/@tensorflow/tfjs-core/dist/ops/relu.js:3:4)',
      'loss (/app/train.ts:5:6)',
      'other (/app/main.ts:7:8)',
    ],
    ' at /app/train.ts:5:6',
  ],
  [
    'beneath @peft/ops and its gradients',
    [
      'own (/app/own.js:1:2)',
      'run (/a/@tensorflow/tfjs/dist/tf.node.js:3:4)',
      'gelu (/a/node_modules/@peft/ops/dist/index.js:1:1)',
      'gradients (/a/tfjs-core/engine.js:1:1)',
      '/app/model.ts:9:1',
    ],
    ' at /app/model.ts:9:1',
  ],
  [
    'a page in a browser',
    ['own (https://site/graph.js:1:1)', 'run (https://site/tfjs/tf.min.js:1:9)', 'step (https://site/app.js:4:2)'],
    ' at https://site/app.js:4:2',
  ],
  [
    'a drive of Windows',
    ['own (C:\\app\\own.js:1:1)', 'run (C:\\app\\@tensorflow\\tf.js:1:9)', 'step (C:\\app\\train.js:4:2)'],
    ' at C:\\app\\train.js:4:2',
  ],
  [
    'a module',
    ['own (file:///own.js:1:1)', 'run (file:///@tensorflow/tf.js:1:9)', 'step (file:///app/train.mjs:4:2)'],
    ' at file:///app/train.mjs:4:2',
  ],
  [
    'nothing beneath tfjs',
    ['run (/a/@tensorflow/tfjs/tf.js:3:4)', 'new Promise (<anonymous>)', 'node:internal/main:1:1'],
    '',
  ],
])('%s', (_, frames, expected) => {
  expect(atPlace(stack(...frames))).toBe(expected);
});

it('the caller itself where tfjs was not between', () => {
  const frames = [
    'assign (/own.js:1:1)',
    'step (/app/train.ts:2:3)',
    'tidy (/a/@tensorflow/tfjs/tf.js:3:4)',
    'main (/app/main.ts:1:1)',
  ];
  expect(atPlace(stack(...frames), { directly: true })).toBe(' at /app/train.ts:2:3');
});

it('nothing without a stack', () => {
  expect(atPlace(undefined)).toBe('');
});
