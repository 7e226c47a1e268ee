import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import { adamw, batches, fineTune, regression } from '@peft/core';
import { toyData, toyModel } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import { trainingDirectory } from '../src/index.ts';

/*
 * Kills training processes with SIGKILL at random moments, steps and saves alike, lets the next one resume from the
 * directory, and compares the end with a run that nobody killed. Arguments: rounds (5), kills a round (6).
 */

const [, script, mode = '5', folder = '6'] = process.argv;
await tf.setBackend('cpu');
if (mode === 'child') await trainOn(folder, (line) => process.stdout.write(`${line}\n`));
else await killAndCompare(Number(mode), Number(folder));

async function trainOn(directory: string, say: (line: string) => void): Promise<string> {
  const store = trainingDirectory(directory, { onWarning: say });
  const resume = await store.load();
  if (resume) say(`resumed ${resume.step}`);
  const run = fineTune(toyModel(), {
    strategy: cola(adalora({ initRank: 3, targetRank: 1, warmupSteps: 2, finalSteps: 4 }), { links: 5 }),
    targets: ['embed', 'query', 'head'],
    loss: regression(),
    data: batches(toyData(), { batchSize: 5 }),
    steps: 60,
    optimizer: adamw(),
    schedule: 0.02,
    seed: 3,
    checkpoints: { store, every: 1 },
    resume,
    progress: false,
    onWarning: () => {},
    onEvent: ({ type, step }) => say(`${type} ${step}`),
  });
  await run.result;
  const { tensors, finished } = await run.state();
  const bytes = (value: unknown): unknown =>
    ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex') : value;
  const state = JSON.stringify({ tensors, finished }, (_, value) => bytes(value));
  say(`end ${tf.util.fingerPrint64(new TextEncoder().encode(state)).toString(16)}`);
  return state;
}

async function killAndCompare(rounds: number, kills: number): Promise<void> {
  const parent = await mkdtemp(join(tmpdir(), 'killed-run-'));
  const whole = await child(join(parent, 'whole'));
  const expected = endOf(whole);
  let leftOvers = 0;
  for (let round = 0; round < rounds; round++) {
    const directory = join(parent, String(round));
    const from: string[] = [];
    let last = '';
    for (let kill = 0; kill <= kills; kill++) {
      last = await child(directory, kill < kills ? 1 + ((round * 7 + kill * 3) % 9) : undefined, round * kills + kill);
      from.push(/resumed (\d+)/.exec(last)?.[1] ?? '0');
      leftOvers += (await readdir(directory).catch(() => [])).filter((name) => name.startsWith('.')).length;
      if (/^end /m.test(last)) break;
    }
    const same = endOf(last) === expected;
    console.log(`round ${round}: resumed from ${from.join(', ')}; ${same ? 'bit-equal' : 'DIFFERENT'}`);
    if (!same) process.exitCode = 1;
  }
  console.log(`${leftOvers} unfinished saves were left by kills in the middle of one`);
  await rm(parent, { recursive: true });
}

function endOf(output: string): string | undefined {
  return /^end (\w+)/m.exec(output)?.[1];
}

/** One process; killed a random moment after its n-th step where `killAfter` says. */
function child(directory: string, killAfter?: number, seed = 0): Promise<string> {
  const process_ = spawn(process.execPath, ['bench/runSource.mjs', script as string, 'child', directory]);
  let output = '';
  let isDoomed = false;
  process_.stdout.on('data', (chunk) => {
    output += chunk;
    const steps = output.match(/^step /gm)?.length ?? 0;
    if (isDoomed || killAfter === undefined || steps < killAfter) return;
    isDoomed = true;
    setTimeout(() => process_.kill('SIGKILL'), (seed * 2.3) % 12);
  });
  return new Promise((resolve) => process_.on('close', () => resolve(output)));
}
