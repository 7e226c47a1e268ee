import type { Job, JobResult } from './job.ts';

type Output = { readonly isTTY?: boolean; write(text: string): unknown };

/** What a person sees while the jobs run: a line a finished job, and on a terminal one that moves below them. */
export function progressLines(output: Output, jobCount: number) {
  const underWay = new Map<Job, number>();
  let finished = 0;
  const draw = () => {
    if (!output.isTTY) return;
    const parts = [...underWay].map(([{ method, steps }, step]) => `${method} ${step}/${steps}`);
    output.write(`\r\x1b[K${finished} of ${jobCount} done; ${parts.join(', ')}`);
  };
  return {
    onStep(job: Job, step: number) {
      underWay.set(job, step);
      draw();
    },
    onDone(job: Job, { run }: JobResult) {
      underWay.delete(job);
      finished++;
      const accuracy = `${(100 * run.accuracy).toFixed(1)} % of the new test digits`;
      const text = `${job.method}, seed ${job.seed}: ${accuracy}, ${job.steps} steps in ${run.seconds.toFixed(1)} s\n`;
      output.write(output.isTTY ? `\r\x1b[K${text}` : text);
      if (finished < jobCount) draw();
    },
  };
}
