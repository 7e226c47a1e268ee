import type { EngineName } from '../contest/contestants.ts';
import { StepClock } from '../problems/stepClock.ts';
import { fullStepFlops } from '../products/fullStepFlops.ts';
import { type CountedProduct, productsOf } from '../products/productsOf.ts';
import type { Assignment } from '../step/assignment.ts';
import { captureStep } from './captureStep.ts';
import { compileTimes } from './compileTimes.ts';
import { contestModel } from './contestModel.ts';
import { contestRun } from './contestRun.ts';
import { knotTimes } from './knotTimes.ts';
import { memoryOverRun } from './memoryOverRun.ts';
import { ourEngine } from './ourEngine.ts';
import { peakBytes, resetPeak } from './peakMemory.ts';
import { ProductRates } from './productRates.ts';
import { timerTicks } from './timerTicks.ts';

/** What a worker can be asked; `prepare` and `prepareRates` come first, once. */
export type Request =
  | { readonly do: 'prepare'; readonly engine: EngineName; readonly assignment: Assignment }
  | { readonly do: 'step' | 'resetPeak' | 'peak' | 'rates' }
  | { readonly do: 'products' | 'compileTimes'; readonly assignment: Assignment }
  | { readonly do: 'knotTimes' | 'timerTicks' | 'memory'; readonly engine: EngineName; readonly assignment: Assignment }
  | {
      readonly do: 'prepareRates';
      readonly engine: EngineName;
      readonly threads: number;
      readonly products: readonly CountedProduct[];
    };

const warmUpSteps = 3;

let clock: StepClock | undefined;
let rates: ProductRates | undefined;

export async function answerTo(request: Request): Promise<object> {
  switch (request.do) {
    case 'prepare':
      return await prepare(request);
    case 'step': {
      const { wall } = await (clock as StepClock).take(1);
      return { ms: 1000 * (wall[0] as number), loss: (clock as StepClock).loss };
    }
    case 'resetPeak':
      return { reset: resetPeak() };
    case 'peak':
      return { peakBytes: peakBytes() };
    case 'products': {
      const contest = contestModel(request.assignment);
      const graph = await captureStep(contest.model, contestRun(request.assignment, contest));
      return { products: productsOf(graph), fullFlops: fullStepFlops(request.assignment, contest.model) };
    }
    case 'compileTimes':
      return await compileTimes(request.assignment);
    case 'knotTimes':
      return await knotTimes(await engineOf(request), request.assignment);
    case 'timerTicks':
      return await timerTicks(await engineOf(request), request.assignment);
    case 'memory':
      return { samples: await memoryOverRun(await engineOf(request), request.assignment) };
    case 'prepareRates': {
      const { engine } = await ourEngine(request.engine, request.threads);
      rates = new ProductRates();
      for (const product of request.products) await rates.add(engine, product);
      return {};
    }
    case 'rates':
      return { times: await (rates as ProductRates).take() };
  }
}

function engineOf({ engine, assignment }: { readonly engine: EngineName; readonly assignment: Assignment }) {
  return ourEngine(engine, assignment.threads);
}

async function prepare({ engine: name, assignment }: Extract<Request, { do: 'prepare' }>): Promise<object> {
  const { engine, weights, versions } = await ourEngine(name, assignment.threads);
  const contest = contestModel(assignment);
  const began = performance.now();
  clock = new StepClock(contest.model, { ...contestRun(assignment, contest), engine });
  await clock.ready();
  await clock.take(1);
  const firstStepMs = performance.now() - began;
  await clock.take(warmUpSteps - 1);
  return { threads: assignment.threads, trainable: clock.trainable, weights, firstStepMs, versions };
}
