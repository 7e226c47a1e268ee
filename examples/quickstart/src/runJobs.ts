import type { Job, JobResult } from './job.ts';
import type { JobRunner } from './jobRunner.ts';

export type RunJobsOptions = {
  readonly runners: readonly JobRunner[];
  readonly onStep: (job: Job, step: number) => void;
  readonly onDone: (job: Job, result: JobResult) => void;
};

/** Shares jobs among runners; results come in the order of the jobs. The first failure ends everything. */
export async function runJobs(jobs: readonly Job[], options: RunJobsOptions): Promise<readonly JobResult[]> {
  const results: JobResult[] = [];
  let next = 0;
  const work = async (runner: JobRunner) => {
    while (next < jobs.length) {
      const index = next++;
      const job = jobs[index] as Job;
      const result = await runner.run(job, (step) => options.onStep(job, step));
      results[index] = result;
      options.onDone(job, result);
    }
  };
  try {
    await Promise.all(options.runners.map(work));
    return results;
  } finally {
    await Promise.all(options.runners.map((runner) => runner.close()));
  }
}
