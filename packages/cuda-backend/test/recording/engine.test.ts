import { toyTransformers } from '@peft/engines';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { type RecordedEngineOptions, recordedEngine } from './recordedEngine.ts';
import { trainRecorded } from './trainRecorded.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const generated: RecordedEngineOptions = { precision: 'bf16', fuses: true };

it.each<[string, string, RecordedEngineOptions]>([
  ...Object.keys(toyTransformers).map((name) => [name, 'bf16 with generated kernels', generated] as const),
  ['GPT-2, next words', 'float32 with a product library', {}],
  ['BERT, classes', 'bf16 without any library', { precision: 'bf16', hasProducts: false }],
] as [string, string, RecordedEngineOptions][])(
  'trains %s, %s: the same launches each step, no misuse, and everything given back',
  async (name, _form, options) => {
    const recording = recordedEngine(options);
    const { recorded, launches } = recording;
    await trainRecorded(name, recording);
    const runs = launches.filter((launch) => launch === 'commit').length;
    const once = launches.length / runs;
    expect([runs, once > 20]).toEqual([3, true]);
    expect(launches.slice(once, 2 * once)).toEqual(launches.slice(0, once));
    expect(launches.slice(2 * once)).toEqual(launches.slice(0, once));
    expect(recorded.problems()).toEqual([]);
    expect(recorded.recording.names.at(-1)).toBe('cuDevicePrimaryCtxRelease_v2');
  },
);
