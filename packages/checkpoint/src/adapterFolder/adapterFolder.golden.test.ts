import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { adaloraFileFormat } from '@peft/adalora';
import {
  adamw,
  attach,
  batches,
  disposeAdapter,
  fineTune,
  hostArray,
  mergeAdapter,
  regression,
  type TrainedAdapter,
  toFloat32,
} from '@peft/core';
import { loraFileFormat } from '@peft/lora';
import { expectParity } from '@peft/parity';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { openSafetensors } from '../safetensors/openSafetensors.ts';
import { fixtureModel, fixturePath } from '../testing/fixtureModel.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import golden from './__fixtures__/expected.json' with { type: 'json' };
import { loadAdapter } from './loadAdapter.ts';
import { saveAdapter } from './saveAdapter.ts';

/** torch computed in float64 from the files' float32; a change of a weight is one product, an output several layers. */
const DELTA = 1e-6;
const OUTPUT = 1e-5;

type Numbers = { readonly shape: readonly number[]; readonly values: readonly number[] };
const cases = golden.cases as unknown as Readonly<
  Record<
    string,
    {
      readonly targets: readonly string[];
      readonly output: Numbers;
      readonly delta?: Readonly<Record<string, Numbers>>;
      readonly merged?: Readonly<Record<string, Numbers>>;
    }
  >
>;
const formats = [loraFileFormat, adaloraFileFormat];
const noWarnings = (warning: string) => expect.unreachable(warning);

beforeAll(async () => {
  await tf.setBackend('cpu');
});

async function load(name: string, folder = fixturePath(name)): Promise<TrainedAdapter> {
  const adapter = name === 'named' && folder === fixturePath(name) ? { adapter: 'tickets' } : {};
  return loadAdapter(folder, await fixtureModel(), { formats, onWarning: noWarnings, ...adapter });
}

async function outputOf(trained: TrainedAdapter): Promise<Float32Array> {
  const model = await attach(await fixtureModel(), trained);
  const ids = tf.tensor(golden.ids, undefined, 'int32');
  const output = model.apply({ ids });
  const values = (await output.data()) as Float32Array;
  tf.dispose([ids, output]);
  model.dispose();
  return values;
}

/** The change of a weight, which is what a merge into zeros gives. */
function deltaOf({ strategy, adapter, targets }: TrainedAdapter, path: string): tf.Tensor {
  return tf.tidy(() => {
    const target = targets.find((each) => each.path === path);
    if (!target) throw new Error(`${path} is not adapted`);
    return strategy.merge(adapter, target, tf.zeros([...target.shape]));
  });
}

async function expectAsInPython(trained: TrainedAdapter, name: string): Promise<void> {
  const record = cases[name];
  if (!record) throw new Error(`no case ${name}`);
  expect(trained.targets.map(({ path }) => path).sort()).toEqual([...record.targets].sort());
  for (const [path, expected] of Object.entries(record.delta ?? {})) {
    const delta = deltaOf(trained, path);
    expect(delta.shape).toEqual(expected.shape);
    const actual = delta.dataSync() as Float32Array;
    expectParity('adapter folders of PEFT: deltas', { actual, expected: expected.values, tolerance: DELTA });
    delta.dispose();
  }
  if (record.merged) {
    const merged = await mergeAdapter(await fixtureModel(), trained);
    for (const [path, expected] of Object.entries(record.merged)) {
      const actual = merged.get(`${path}.weight`).data as Float32Array;
      expectParity('adapter folders of PEFT: merged weights', { actual, expected: expected.values, tolerance: DELTA });
    }
    merged.dispose();
  }
  const [actual, expected] = [await outputOf(trained), record.output.values];
  expectParity('adapter folders of PEFT: outputs', { actual, expected, tolerance: OUTPUT });
}

describe.each(Object.keys(cases))('the %s folder of Python PEFT', (name) => {
  it('computes here what it computes there', async () => {
    const trained = await load(name);
    await expectAsInPython(trained, name);
    disposeAdapter(trained);
  });

  it('is written again with the same configuration, byte for byte, and the same tensors', async () => {
    const trained = await load(name);
    await withTemporaryFolder(async (parent) => {
      const folder = join(parent, 'again');
      await saveAdapter(trained, folder);
      const source = fixturePath(name === 'named' ? 'named/tickets' : name);
      expect(await configIn(folder)).toBe(await configIn(source));
      const [mine, theirs] = [await tensorsOf(folder), await tensorsOf(source)];
      expect([...mine.keys()].sort()).toEqual([...theirs.keys()].filter(isWritten).sort());
      for (const [key, { shape, values }] of mine) {
        expect([key, shape]).toEqual([key, theirs.get(key)?.shape]);
        const expected = theirs.get(key)?.values ?? [];
        const subject = 'adapter folders of PEFT, written again: tensors';
        expectParity(subject, { actual: values, expected, tolerance: 0, by: 'equal' });
      }
      const reloaded = await load(name, folder);
      await expectAsInPython(reloaded, name);
      disposeAdapter(reloaded);
    });
    disposeAdapter(trained);
  });
});

it.each(['lora', 'dora', 'bias-all'])('the %s folder is trained further from what Python gave it', async (name) => {
  const model = await fixtureModel();
  const from = await load(name);
  const ids = hostArray(Int32Array.from(golden.ids.flat()), [4, 2]);
  const targets = hostArray(new Float32Array(24), [4, 2, 3]);
  const losses: number[] = [];
  const run = fineTune(model, {
    strategy: from.strategy,
    targets: from.targets.map(({ path }) => path),
    modulesToSave: from.modulesToSave,
    bias: from.bias,
    from,
    loss: regression(),
    data: batches({ ids, targets }, { batchSize: 4 }),
    steps: 5,
    optimizer: adamw(),
    schedule: 0.01,
    progress: false,
    onWarning: () => {},
    onEvent: (event) => {
      if (event.type === 'step') losses.push(event.loss);
    },
  });
  (await run.result).dispose();
  // Towards zero, the loss is the mean square of the output: at first of Python's.
  const values = cases[name]?.output.values ?? [];
  const first = values.reduce((sum, value) => sum + value * value, 0) / values.length;
  const actual = losses.slice(0, 1);
  expectParity('adapter folders of PEFT: losses when trained further', {
    actual,
    expected: [first],
    tolerance: OUTPUT,
  });
  expect(losses[4]).toBeLessThan(losses[0] as number);
  disposeAdapter(from);
});

// bias="all" writes the biases of a module trained whole three times; once is enough.
const isWritten = (key: string) => !/\.(?:modules_to_save|original_module)\./.test(key);

function configIn(folder: string): Promise<string> {
  return readFile(join(folder, 'adapter_config.json'), 'utf8');
}

async function tensorsOf(folder: string) {
  const { tensors } = await openSafetensors(join(folder, 'adapter_model.safetensors'));
  const read = [...tensors].map(async ([key, tensor]) => {
    const array = await tensor.read();
    return [key, { shape: array.shape, values: [...toFloat32(array)] }] as const;
  });
  return new Map(await Promise.all(read));
}
