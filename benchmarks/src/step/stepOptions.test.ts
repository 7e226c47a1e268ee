import { expect, test } from 'vitest';
import { stepOptions } from './stepOptions.ts';

test('the command line of the issue', () => {
  const { assignment, ...options } = stepOptions(
    '--model gpt2 --method cola --batch 4 --seq 64 --engine wasm --against torch-fp32,torch-compile-bf16 --json out.json --threads 2'.split(
      ' ',
    ),
  );
  expect(options).toEqual({
    model: 'gpt2',
    engine: 'wasm',
    against: ['torch-fp32', 'torch-compile-bf16'],
    rounds: 10,
    acceptsBusy: false,
    idleTimeout: 600,
    json: 'out.json',
  });
  expect(assignment).toMatchObject({
    architecture: 'causal-lm',
    method: 'cola',
    batch: 4,
    seq: 64,
    rank: 8,
    alpha: 16,
    dropout: 0,
    targets: ['c_attn'],
    threads: 2,
  });
});

test('targets, rank and dropout reach both sides', () => {
  const { assignment } = stepOptions('--model bert-base --targets all-linear --rank 4 --dropout 0.1'.split(' '));
  expect(assignment).toMatchObject({ targets: 'all-linear', rank: 4, alpha: 8, dropout: 0.1 });
  expect(stepOptions(['--model', 'opt-125m', '--targets', 'fc1, fc2']).assignment.targets).toEqual(['fc1', 'fc2']);
});

test('everything that is wrong is said at once', () => {
  const args = '--model bert --method dora --batch 0 --dropout 1 --engine onnx --against onnx,torch';
  expect(() => stepOptions(args.split(' '))).toThrow(
    [
      '--model is "bert"; choose from bert-base, minilm, gpt2, opt-125m, opt-1.3b, llama-2-7b, bert-tiny, gpt2-tiny, opt-tiny, llama-tiny.',
      '--dropout: "1" is not from 0 to below 1.',
      '--against is "torch"; choose from torch-fp32, torch-bf16, torch-compile, torch-compile-bf16, onnx, wasm, tensorflow.',
      '--against names onnx, which is the engine itself.',
      '--method is "dora"; choose from lora, adalora, cola, cola-adalora.',
      '--batch: "0" is not a whole number above 0.',
    ].join('\n'),
  );
  expect(() => stepOptions([])).toThrow('--model is missing; choose from bert-base,');
  expect(() => stepOptions(['--model', 'bert-base', '--seq', '513'])).toThrow(
    '--seq: bert-base has positions for 512 tokens at most.',
  );
  expect(() => stepOptions(['--quick'])).toThrow(/'--quick'.* See pnpm bench step --help\.$/s);
});
