import '@tensorflow/tfjs-backend-wasm';
import { parentPort, workerData } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs';
import { type Job, runJob } from './job.ts';

await tf.setBackend(workerData as string);

parentPort?.on('message', (job: Job) => {
  runJob(job, (step) => parentPort?.postMessage({ step })).then(
    (result) => parentPort?.postMessage({ result }),
    // The main thread says it; a worker's own error object does not survive the way there with its code.
    (error: unknown) => parentPort?.postMessage({ error: (error as Error).message }),
  );
});
