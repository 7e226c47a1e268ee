import { expect, test } from 'vitest';
import { cudaOptions, sectionNames } from './cudaOptions.ts';

test('what is left out is all of it, on CUDA, in nine and a half minutes', () => {
  expect(cudaOptions([])).toEqual({
    engine: 'cuda',
    only: sectionNames,
    isSmall: false,
    seconds: 570,
    out: undefined,
    python: undefined,
  });
  expect(cudaOptions(['--only', 'curves,host', '--minutes', '2', '--small', '--engine', 'onnx'])).toMatchObject({
    engine: 'onnx',
    only: ['curves', 'host'],
    isSmall: true,
    seconds: 120,
  });
});

test('everything wrong is said at once', () => {
  expect(() => cudaOptions(['--only', 'curves,speed', '--minutes', 'ten', '--engine', 'tpu'])).toThrow(
    '--only names "speed"; there are operations, curves, resume, memory, host, times; --minutes is "ten"; it is a number above 0; --engine is "tpu"; it is cuda or onnx.',
  );
  expect(() => cudaOptions(['--fast'])).toThrow("Unknown option '--fast'");
});
