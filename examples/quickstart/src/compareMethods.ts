import { join } from 'node:path';
import type { Digit } from './digits.ts';
import { type Job, type JobResult, learningRateOf, measureBase } from './job.ts';
import type { JobRunner } from './jobRunner.ts';
import type { QuickstartOptions } from './options.ts';
import { progressLines } from './progressLines.ts';
import type { Picture } from './report/report.ts';
import { type MethodResult, summarise } from './results.ts';
import { runJobs } from './runJobs.ts';

export type Comparison = {
  readonly results: readonly MethodResult[];
  readonly baseAccuracy: number;
  readonly pictures: readonly Picture[];
};

const shownDigits = 12;

/** Runs every method with every seed, saves the adapters of the first seed, and collects what the report shows. */
export async function compareMethods(
  options: QuickstartOptions,
  runnersFor: (jobs: number) => readonly JobRunner[],
): Promise<Comparison> {
  const { methods, seeds, steps, out } = options;
  const base = await measureBase();
  const wrong = base.test.flatMap(({ digit }, index) => (base.answers[index] === digit ? [] : [index]));
  const asked = spread(wrong, (index) => base.test[index]?.digit as number).slice(0, shownDigits);
  const jobs: Job[] = [];
  for (const { name } of methods) {
    for (let seed = 1; seed <= seeds; seed++) {
      const first = { folder: join(out, 'adapters', name), asked };
      jobs.push({ method: name, seed, steps, ...(seed === 1 ? first : { asked: [] }) });
    }
  }
  const done = await runJobs(jobs, { runners: runnersFor(jobs.length), ...progressLines(process.stderr, jobs.length) });
  const resultsOf = (method: string) => done.filter((_, index) => jobs[index]?.method === method);
  const results = methods.map(({ name, about }) => {
    const own = resultsOf(name);
    const { adapterBytes } = own[0] as JobResult;
    return summarise(
      { name, about, adapterBytes, learningRate: learningRateOf(name) },
      own.map(({ run }) => run),
    );
  });
  const pictures = asked.map((index, place) => ({
    digit: base.test[index] as Digit,
    base: base.answers[index] as number,
    predictions: Object.fromEntries(methods.map(({ name }) => [name, resultsOf(name)[0]?.answers[place] as number])),
  }));
  return { results, pictures, baseAccuracy: base.accuracy };
}

/** The same items, taking one of each kind in turn. */
function spread(items: readonly number[], kindOf: (item: number) => number): readonly number[] {
  const turn = (item: number) => items.filter((other) => other < item && kindOf(other) === kindOf(item)).length;
  return [...items].sort((left, right) => turn(left) - turn(right) || kindOf(left) - kindOf(right));
}
