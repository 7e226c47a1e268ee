// Measures the claims: npm run claims -- [--only B3,C1] [--seeds N]
import '@tensorflow/tfjs-backend-wasm';
import { fileURLToPath } from 'node:url';
import { isPeftError } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { claims } from './claims.ts';
import { claimOptions, help } from './report/claimOptions.ts';
import { machineSaid } from './report/machine.ts';
import { RecordStore } from './report/recordStore.ts';
import { runClaims } from './report/runClaims.ts';

const args = process.argv.slice(2);
if (args.includes('--help')) console.log(help);
else if (args.includes('--list')) for (const { id, title } of claims) console.log(`${id.padEnd(16)}${title}`);
else {
  try {
    const options = claimOptions(args, claims);
    await tf.setBackend('wasm');
    const hasPassed = await runClaims({
      ...options,
      store: new RecordStore(fileURLToPath(new URL('../../docs', import.meta.url)), claims),
      machine: `${machineSaid()}, TensorFlow.js ${tf.version_core} on ${tf.getBackend()}`,
      command: ['npm run claims', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
      date: new Date().toISOString().slice(0, 10),
      log: (line) => console.log(line),
    });
    if (!hasPassed) process.exitCode = 1;
  } catch (error) {
    if (!isPeftError(error)) throw error;
    console.error(error.message);
    process.exitCode = 2;
  }
}
