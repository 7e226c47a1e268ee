import '@tensorflow/tfjs-backend-wasm';
import { parentPort, workerData } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs';
import { type EngineName, engineOf } from './engines.ts';
import { type Job, runJob } from './job.ts';

export type WorkerSettings = { readonly engine: EngineName; readonly backend: string };

const settings = workerData as WorkerSettings;
await tf.setBackend(settings.backend);
const engine = engineOf(settings.engine);

parentPort?.on('message', (job: Job) => {
  runJob(job, { engine, onStep: (step) => parentPort?.postMessage({ step }) }).then(
    (result) => parentPort?.postMessage({ result }),
    // The main thread says it; a worker's own error object does not survive the way there with its code.
    (error: unknown) => parentPort?.postMessage({ error: (error as Error).message }),
  );
});
