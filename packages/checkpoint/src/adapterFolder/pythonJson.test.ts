import { expect, it } from 'vitest';
import { pythonJson } from './pythonJson.ts';

it("writes texts, lists and numbers as Python's json.dumps", () => {
  const value = {
    target_modules: ['a.b', 'ü\u007f\ud83d\ude00"\\\n\u0001'],
    alpha: { '\ud83d\ude00': 1, '\uffee': 2.5 },
    empty: {},
    none: null,
    missing: undefined,
    list: [],
    flag: true,
    lora_dropout: 0,
    betas: [-0, 1e-5, 1.5e-7, 0.0001, 1e16, 123456789012345680000, -3e-300, 1e15, -2],
  };
  expect(pythonJson(value, ['lora_dropout'])).toBe(`{
  "alpha": {
    "\\uffee": 2.5,
    "\\ud83d\\ude00": 1
  },
  "betas": [
    -0.0,
    1e-05,
    1.5e-07,
    0.0001,
    1e+16,
    1.2345678901234568e+20,
    -3e-300,
    1000000000000000,
    -2
  ],
  "empty": {},
  "flag": true,
  "list": [],
  "lora_dropout": 0.0,
  "missing": null,
  "none": null,
  "target_modules": [
    "a.b",
    "\\u00fc\\u007f\\ud83d\\ude00\\"\\\\\\n\\u0001"
  ]
}`);
  expect(pythonJson({ lora_dropout: 0.1, beta1: 1, beta2: 1e16 }, ['lora_dropout', 'beta1', 'beta2'])).toBe(
    '{\n  "beta1": 1.0,\n  "beta2": 1e+16,\n  "lora_dropout": 0.1\n}',
  );
});
