import { Worker } from 'node:worker_threads';
import { PeftError } from '@peft/core';
import type { Job, JobResult } from './job.ts';
import type { WorkerSettings } from './worker.ts';

/** Runs one job at a time. */
export type JobRunner = {
  run(job: Job, onStep: (step: number) => void): Promise<JobResult>;
  close(): Promise<unknown>;
};

type Message = { readonly step?: number; readonly result?: JobResult; readonly error?: string };

type Current = {
  readonly onStep: (step: number) => void;
  readonly resolve: (result: JobResult) => void;
  readonly reject: (error: Error) => void;
};

/** A runner on a thread of its own, so that every core trains. */
export function workerRunner(settings: WorkerSettings): JobRunner {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: settings });
  let current: Current | undefined;
  worker.on('error', (error) => current?.reject(error));
  worker.on('exit', (code) => current?.reject(new PeftError('quickstart/worker', `a worker ended with code ${code}.`)));
  worker.on('message', ({ step, result, error }: Message) => {
    if (step !== undefined) current?.onStep(step);
    if (result) current?.resolve(result);
    if (error !== undefined) current?.reject(new PeftError('quickstart/run', error));
  });
  return {
    run: (job, onStep) =>
      new Promise((resolve, reject) => {
        current = { onStep, resolve, reject };
        worker.postMessage(job);
      }),
    close: () => worker.terminate(),
  };
}
