import { loraFileFormat } from '@peft/lora';
import { adaloraFileFormat } from '@peft/adalora';
import { loadAdapter } from '../src/index.ts';
import { adapterFiles, loraPair, adaloraTriplets } from '../src/testing/adapterFiles.ts';
import { fixtureModel } from '../src/testing/fixtureModel.ts';
import * as tf from '@tensorflow/tfjs';
await tf.setBackend('cpu');
const many = (n: number, f: (i: number) => string) => Array.from({ length: n }, (_, i) => f(i));
const q = { ...loraPair('layer.0.query', [6, 6]), ...loraPair('layer.1.query', [6, 6]) };
const base = { peft_type: 'LORA', r: 2, target_modules: ['query'] };
const cases: Record<string, object> = {
  modules_to_save: { modules_to_save: many(100000, (i) => `m${i}`) },
  target_modules: { target_modules: ['query', ...many(100000, (i) => `m${i}`)] },
  exclude: { exclude_modules: many(100000, (i) => `m${i}`) },
  unknown: Object.fromEntries(many(100000, (i) => `u${i}`).map((k) => [k, 1])),
  rank: { rank_pattern: Object.fromEntries(many(20000, (i) => `u${i}`).map((k) => [k, 1])) },
  layers: { layers_to_transform: Array.from({ length: 100000 }, (_, i) => i), layers_pattern: 'layer' },
};
for (const [name, more] of Object.entries(cases)) {
  const t = performance.now();
  const r = await loadAdapter(adapterFiles({ ...base, ...more }, q), await fixtureModel(), { formats: [loraFileFormat, adaloraFileFormat], onWarning: () => {} }).then(() => 'ok', (e) => String(e.message).slice(0, 100));
  console.log(name, Math.round(performance.now() - t), 'ms', r);
}
