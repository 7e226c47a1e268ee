import { describe, expect, it } from 'vitest';
import { methods } from './methods.ts';
import { parseOptions } from './options.ts';

describe('options', () => {
  it('defaults to every method, one seed, 250 compiled steps', () => {
    expect(parseOptions([])).toEqual({ methods, seeds: 1, steps: 250, out: 'out', engine: 'onnx', backend: 'wasm' });
  });

  it('takes 600 steps and ten seeds with --full, unless told otherwise', () => {
    expect(parseOptions(['--full'])).toMatchObject({ seeds: 10, steps: 600 });
    expect(parseOptions(['--full', '--seeds', '3'])).toMatchObject({ seeds: 3, steps: 600 });
  });

  it('keeps the order of the table whatever order methods are named in', () => {
    expect(parseOptions(['--methods', 'cola,full'])?.methods.map(({ name }) => name)).toEqual(['full', 'cola']);
  });

  it('asks for help', () => {
    expect(parseOptions(['--help'])).toBeUndefined();
  });

  it.each([
    [
      ['--methods', 'lora,cola'],
      '--methods: there is no method "lora"; choose from full, lora-r1, lora-r5, adalora, cola, cola-adalora, restart-only.',
    ],
    [['--steps', '0'], '--steps: "0" is not a whole number above 0.'],
    [['--seeds', 'many'], '--seeds: "many" is not a whole number above 0.'],
    [['--backend', 'gpu'], '--backend: "gpu" is neither wasm nor cpu.'],
    [['--engine', 'torch'], '--engine: "torch" is none of onnx, cuda, eager.'],
    [['--stesp', '5'], /^Unknown option '--stesp'.* --help lists the options\.$/s],
  ])('refuses %j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});
