import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { toyOptions } from '../test/toyRun.ts';
import { eagerEngine } from './eagerEngine.ts';
import type { Engine } from './engine.ts';
import { firstEngine } from './firstEngine.ts';
import { toyModel } from './testing/toyModel.ts';
import { fineTune } from './training/fineTune.ts';

/** An engine that counts how often it is opened, and opens unless a reason is given. */
function planned(name: string, reason?: string) {
  const engine: Engine & { opened: number } = {
    ...eagerEngine(),
    name,
    warnings: () => [`a warning of ${name}`],
    opened: 0,
    open: async () => {
      engine.opened++;
      if (reason !== undefined) throw new Error(reason);
    },
  };
  return engine;
}

it('takes the first that opens, says why others were passed over, and opens none twice', async () => {
  const warnings: string[] = [];
  const engines = [planned('cuda', 'there is no driver.'), planned('onnx'), planned('eager')];
  const engine = firstEngine(engines, { onWarning: (warning) => warnings.push(warning) });
  expect(engine.name).toBe('cuda or onnx or eager');
  expect(engine.warnings?.()).toEqual([]);
  await Promise.all([engine.open?.(), engine.chosen()]);
  expect(await engine.chosen()).toBe(engines[1]);
  expect(engine.name).toBe('onnx');
  expect(engines.map(({ opened }) => opened)).toEqual([1, 1, 0]);
  expect(warnings).toEqual(['firstEngine uses onnx, for it cannot use cuda: there is no driver.']);
  expect(engine.warnings?.()).toEqual(['a warning of onnx']);
});

it('runs steps on the chosen one, whose warnings reach the run', async () => {
  await tf.setBackend('cpu');
  const train = async (engine: Engine) => {
    const warnings: string[] = [];
    const options = toyOptions({ steps: 2, engine, onWarning: (warning: string) => warnings.push(warning) });
    const model = toyModel();
    const { dispose, adapter } = await fineTune(model, options).result;
    const leaves = tf.tidy(() =>
      JSON.stringify(adapter.adapter.params, (_, leaf) => (leaf instanceof tf.Tensor ? [...leaf.dataSync()] : leaf)),
    );
    dispose();
    return { warnings, leaves };
  };
  const first = await train(firstEngine([planned('cuda', 'no driver.'), planned('onnx')], { onWarning: () => {} }));
  expect(first.warnings).toEqual(['a warning of onnx']);
  expect(first.leaves).toContain('[');
  expect(first.leaves).toEqual((await train(planned('eager'))).leaves);
});

it('tries again where none opened, and says why none did', async () => {
  const engines = [planned('cuda', 'no driver.'), planned('onnx', 'no library.')];
  const engine = firstEngine(engines);
  const message = 'core/engine: none of the engines opens on this machine:\n  cuda: no driver.\n  onnx: no library.';
  for (let turn = 0; turn < 2; turn++) {
    await expect(engine.chosen().catch((error) => `${error.code}: ${error.message}`)).resolves.toBe(message);
  }
  expect(engines.map(({ opened }) => opened)).toEqual([2, 2]);
});

it('takes a list', () => {
  const message = 'firstEngine takes a list of at least one engine, the one to try first in front.';
  expect(() => firstEngine([])).toThrow(message);
  expect(() => firstEngine(eagerEngine() as unknown as Engine[])).toThrow(message);
});

it('refuses what is no engine, by its place', () => {
  const list = [eagerEngine(), 'cuda', eagerEngine, undefined] as unknown as Engine[];
  expect(() => firstEngine(list)).toThrow(
    expect.objectContaining({
      code: 'core/engine',
      message:
        'firstEngine: what stands at 1, 2, 3 of the list cannot compile; put engines there, for example eagerEngine().',
    }),
  );
});
