import { join } from 'node:path';
import { configDefaults, defineConfig, mergeConfig } from 'vitest/config';
import shared from '../../../vitest.config.ts';
import { suites } from './suites.ts';

const { PEFT_TENSORFLOW_SUITE: name } = process.env;
const suite = suites.find((each) => each.name === name);

export default mergeConfig(
  shared,
  defineConfig({
    root: join(import.meta.dirname, '../../../..', `${name}`),
    test: {
      exclude: [...configDefaults.exclude, ...Object.keys(suite?.leftOut ?? {})],
      setupFiles: [join(import.meta.dirname, 'useTensorflow.ts')],
      // What is run on several backends is run once.
      testNamePattern: /^(?!.*\bon (?:wasm|unknown)\b)/,
      maxWorkers: 1,
      // An operation costs TensorFlow some 12 microseconds, and toy tasks are millions of them.
      testTimeout: 1_800_000,
    },
  }),
);
