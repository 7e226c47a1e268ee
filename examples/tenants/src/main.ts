import '@tensorflow/tfjs-backend-wasm';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isPeftError } from '@peft/core';
import { loadPretrained } from '@peft/models';
import { onnxEngine } from '@peft/onnx-backend';
import * as tf from '@tensorflow/tfjs';
import { serveTenants } from './serveTenants.ts';
import { tableOf } from './tableOf.ts';
import { quickstartFile, readTenants } from './tenant.ts';

async function main([out = 'out/tenants']: readonly string[]): Promise<void> {
  await tf.setBackend('wasm');
  const base = fileURLToPath(quickstartFile('base'));
  const engines = { answer: onnxEngine({ threads: 1 }), train: onnxEngine({ threads: 1 }) };
  const result = await serveTenants({
    model: await loadPretrained(base),
    tenants: readTenants(),
    steps: 150,
    folder: resolve(out),
    engines,
    say: console.log,
  });
  process.stdout.write(`\n${tableOf(result)}adapters in ${resolve(out)}, for Python PEFT too\n`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${isPeftError(error) ? error.message : ((error as Error).stack ?? error)}\n`);
  process.exitCode = 1;
});
