import '@tensorflow/tfjs-backend-wasm';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { isPeftError } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { compareMethods } from './compareMethods.ts';
import { availableEngine } from './engines.ts';
import { workerRunner } from './jobRunner.ts';
import { help, parseOptions } from './options.ts';
import { report } from './report/report.ts';
import { tableOf } from './tableOf.ts';

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (!options) {
    process.stdout.write(help);
    return;
  }
  const out = resolve(options.out);
  mkdirSync(out, { recursive: true });
  await tf.setBackend(options.backend);
  const engine = await availableEngine(options.engine);
  const settings = { engine: engine.name, backend: options.backend };
  const comparison = await compareMethods({ ...options, out }, (jobs) =>
    Array.from({ length: Math.min(jobs, availableParallelism()) }, () => workerRunner(settings)),
  );
  const page = join(out, 'report.html');
  const figures = join(out, 'results.json');
  writeFileSync(figures, `${JSON.stringify({ methods: comparison.results }, undefined, 1)}\n`);
  writeFileSync(page, report({ ...comparison, steps: options.steps }));
  process.stdout.write(tableOf(comparison.results, comparison.baseAccuracy));
  process.stdout.write(
    `\nengine   ${engine.text}\nreport   ${page}\nfigures  ${figures}\nadapters ${join(out, 'adapters')}\n`,
  );
}

main().catch((error: unknown) => {
  process.stderr.write(`${isPeftError(error) ? error.message : ((error as Error).stack ?? error)}\n`);
  process.exitCode = 1;
});
