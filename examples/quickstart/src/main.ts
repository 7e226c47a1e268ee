import '@tensorflow/tfjs-backend-wasm';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isPeftError } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { compareMethods } from './compareMethods.ts';
import { help, parseOptions } from './options.ts';
import { report } from './report/report.ts';
import { tableOf } from './tableOf.ts';

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (!options) {
    process.stdout.write(help);
    return;
  }
  await tf.setBackend(options.backend);
  const out = resolve(options.out);
  mkdirSync(out, { recursive: true });
  const comparison = await compareMethods(options, out);
  writeFileSync(join(out, 'results.json'), `${JSON.stringify({ methods: comparison.results }, undefined, 1)}\n`);
  writeFileSync(join(out, 'report.html'), report({ ...comparison, steps: options.steps }));
  process.stdout.write(tableOf(comparison.results, comparison.baseAccuracy));
  process.stdout.write(
    `\nreport ${join(out, 'report.html')}\nfigures ${join(out, 'results.json')}\nadapters ${join(out, 'adapters')}\n`,
  );
}

main().catch((error: unknown) => {
  process.stderr.write(`${isPeftError(error) ? error.message : ((error as Error).stack ?? error)}\n`);
  process.exitCode = 1;
});
