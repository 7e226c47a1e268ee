import '@tensorflow/tfjs-backend-wasm';
import { eagerEngine } from '@peft/core';
import { toyModel } from '@peft/core/testing';
import { type OnnxEngineOptions, onnxEngine } from '@peft/onnx-backend';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { largestDifference, requireWithin } from './compare.ts';
import { exportedBert, exportedVit } from './exported.ts';
import { compareMasks } from './masks.ts';
import { check, end, note, require } from './report.ts';
import { toyRuns } from './toyRuns.ts';
import { type Settings, train } from './train.ts';
import { bertSettings, miniLm, miniLmSettings, smallBert, smallVit, vitSettings } from './transformers.ts';

/** What the script wants of this page. */
interface Plan {
  readonly options: OnnxEngineOptions;
  /** Largest relative difference from eager tfjs. */
  readonly tolerance: number;
  readonly runtime: string;
  readonly threads: number | null;
  /** What the engine has to say, in this order. */
  readonly warnings: readonly string[];
  /** Names of the toy runs; all unless given. */
  readonly runs?: readonly string[];
  readonly parts: readonly ('runs' | 'transformers' | 'exports' | 'times' | 'worker')[];
}

const plan = JSON.parse(new URLSearchParams(location.search).get('plan') ?? '{}') as Plan;
const place = new URL('.', location.href).href;
const warnings: string[] = [];
const engine = onnxEngine({ ...plan.options, onWarning: (message) => warnings.push(message) });
const { tolerance } = plan;

await tf.setBackend('cpu');

await check('the engine runs on', async () => {
  const { runtime, version, threads } = await engine.describe();
  const found = `${runtime} ${version ?? ''} with ${threads ?? 'no'} threads`;
  require(runtime === plan.runtime && (threads ?? null) === plan.threads, `${found}; ${warnings}`);
  return found;
});

if (plan.parts.includes('runs')) {
  for (const [name, { settings, knots }] of Object.entries(toyRuns)) {
    if (plan.runs && !plan.runs.includes(name)) continue;
    await check(name, () => compareRuns(settings, knots));
  }
  await check('dropout masks', async () => {
    const { different, elements, share } = await compareMasks(engine, eagerEngine());
    require(different === 0, `${different} of ${elements} elements differ`);
    require(Math.abs(share - 0.3) < 0.03, `${share} of the elements are dropped, not 0.3`);
    return `${elements} elements bit-equal, ${(100 * share).toFixed(1)} % dropped`;
  });
}

if (plan.parts.includes('transformers')) {
  await check('BERT of 2 layers, 10 steps', () => compareModels(smallBert, bertSettings));
  await check('ViT of 2 layers, 10 steps', () => compareModels(smallVit, vitSettings));
}

if (plan.parts.includes('exports')) {
  await check('an exported ViT in onnxruntime-web', async () => requireWithin(await exportedVit(), tolerance));
  await check('an exported BERT, three batch sizes and lengths', async () =>
    requireWithin(await exportedBert(), tolerance),
  );
}

if (plan.parts.includes('worker')) {
  await check('the same in a worker', async () => {
    const worker = new Worker(new URL('worker.js', place), { type: 'module' });
    const found = await new Promise<string>((resolve, reject) => {
      worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data.found));
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage(plan.options);
    });
    worker.terminate();
    return found;
  });
}

if (plan.parts.includes('times')) {
  setWasmPaths(place);
  await tf.setBackend('wasm');
  for (const [batch, length] of [
    [4, 32],
    [8, 64],
  ] as const) {
    await note(`MiniLM-L6, LoRA, ${batch} x ${length} tokens`, () => times(batch, length));
  }
  await tf.setBackend('cpu');
}

await check('warnings', () => {
  const matches = warnings.length === plan.warnings.length;
  const isSame = matches && plan.warnings.every((start, index) => warnings[index]?.startsWith(start));
  require(isSame && warnings.every((warning) => !warning.includes('\n')), warnings.join('\n'));
  return warnings.length === 0 ? 'none' : warnings.join(' | ');
});
end();

/** Runs of the toy model: against eager tfjs, again to the bit, and no tensor more than before. */
async function compareRuns(settings: Settings, knots: number): Promise<string> {
  const before = tf.memory().numTensors;
  const wanted = await train(toyModel(), settings, eagerEngine());
  const found = await train(toyModel(), settings, engine);
  const again = await train(toyModel(), settings, engine);
  const off = requireWithin(largestDifference(found.values, wanted.values), tolerance);
  require(largestDifference(again.values, found.values) === 0, 'a second run differs');
  require(found.knots === knots, `${found.knots} knots instead of ${knots}`);
  require(found.evaluations === 5, `${found.evaluations} evaluations instead of 5`);
  const [loss = []] = [found.values.get('loss')];
  require((loss[loss.length - 1] as number) <
    (loss[0] as number), `the loss goes from ${loss[0]} to ${loss[loss.length - 1]}`);
  const after = tf.memory().numTensors;
  require(after === before, `${after - before} tensors stay`);
  const half = found.tensors.slice(found.tensors.length / 2);
  require(Math.max(...half) <= Math.max(...found.tensors.slice(0, 25)), `tensors grow: ${found.tensors}`);
  return `${off}, a repeat bit-equal, ${found.tensors.length} steps, ${knots} knots, ${found.evaluations} evaluations, tensors flat at ${half.at(-1)}`;
}

async function compareModels(make: () => ReturnType<typeof smallBert>, settings: Settings): Promise<string> {
  const before = tf.memory().numTensors;
  const wanted = await train(make(), settings, eagerEngine());
  const found = await train(make(), settings, engine);
  require(tf.memory().numTensors === before, `${tf.memory().numTensors - before} tensors stay`);
  return requireWithin(largestDifference(found.values, wanted.values), tolerance);
}

/** Seconds of a step, the two engines in turn; the first step of a turn, which captures, is left out. */
async function times(batch: number, length: number): Promise<string> {
  const settings = miniLmSettings({ batch, length, steps: 5 });
  const seconds = { compiled: [] as number[], eager: [] as number[] };
  for (let turn = 0; turn < 3; turn++) {
    seconds.compiled.push(...(await train(miniLm(), settings, engine)).stepSeconds.slice(1));
    seconds.eager.push(...(await train(miniLm(), settings, eagerEngine())).stepSeconds.slice(1));
  }
  const [compiled, eager] = [seconds.compiled, seconds.eager].map((each) => {
    const sorted = each.map((second) => 1000 * second).sort((a, b) => a - b);
    return { best: sorted[0] as number, median: sorted[Math.floor(sorted.length / 2)] as number };
  }) as [Record<'best' | 'median', number>, Record<'best' | 'median', number>];
  const text = ({ best, median }: Record<'best' | 'median', number>) =>
    `${median.toFixed(0)} ms (best ${best.toFixed(0)})`;
  const ratio = `${(eager.median / compiled.median).toFixed(2)} times (best ${(eager.best / compiled.best).toFixed(2)})`;
  return `a step compiled ${text(compiled)}, eager on tfjs wasm ${text(eager)}: ${ratio}`;
}
