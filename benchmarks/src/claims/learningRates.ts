import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadPretrained, type PretrainedModel } from '@peft/models';
import { type Method, methods } from '@peft-examples/quickstart/src/methods.ts';
import { type Split, splitDigits } from '@peft-examples/quickstart/src/splitDigits.ts';
import { lowestNewDigit, trainMethod } from '@peft-examples/quickstart/src/trainMethod.ts';
import { quickstartFile, readDigits } from '../digits.ts';
import type { Claim, ClaimCall, Row } from '../report/claim.ts';
import { table } from '../report/figures.ts';
import { overSeeds } from '../report/overSeeds.ts';
import { mean } from '../report/summary.ts';
import { timed } from '../report/timed.ts';
import { widenedSearch } from './widenedSearch.ts';

const steps = 250;
const wholeRates = [0.0003, 0.001, 0.003, 0.01];
const adapterRates = [0.003, 0.01, 0.03, 0.1];

/** The division of the quickstart: its test part is never looked at here. */
const splitSeed = 1;

export const learningRates: Claim = {
  id: 'learning-rates',
  title: 'Learning rates of the quickstart',
  setting:
    `Every method of the quickstart for ${steps} steps at four learning rates, and at further ones while the best lies at an end; accuracy on the validation part of the training images, never on test. ` +
    'The best mean is written to examples/quickstart/src/learningRates.json; of equal ones the lowest.',
  seeds: 2,
  async run(call) {
    const model = await loadPretrained(fileURLToPath(quickstartFile('base')));
    const split = splitDigits(readDigits(), { from: lowestNewDigit, seed: splitSeed });
    const rows: Row[] = [];
    const chosen: Record<string, number> = {};
    const lines: string[][] = [];
    for (const method of methods) {
      const rates = method.options().strategy ? adapterRates : wholeRates;
      const { value, seconds } = await timed(() =>
        widenedSearch(rates, (learningRate) => validate(call, { method, model, split, learningRate })),
      );
      chosen[method.name] = value.best;
      lines.push([
        method.name,
        [...value.scores].map(([rate, score]) => `${rate}: ${(100 * score).toFixed(1)} %`).join(', '),
      ]);
      rows.push({
        id: `learning-rates.${method.name}`,
        what: method.about,
        figure: `${value.best}`,
        threshold: '',
        seconds,
      });
    }
    model.weights.dispose();
    if (call.seeds >= learningRates.seeds) {
      writeFileSync(quickstartFile('src/learningRates.json'), `${JSON.stringify(chosen, null, 2)}\n`);
    }
    return { rows, notes: [`Validation accuracy by learning rate.\n\n${table(['method', 'accuracy'], lines)}`] };
  },
};

async function validate(
  call: ClaimCall,
  job: {
    readonly method: Method;
    readonly model: PretrainedModel;
    readonly split: Split;
    readonly learningRate: number;
  },
): Promise<number> {
  const { method, ...rest } = job;
  const accuracies = await overSeeds(call, `${method.name} at ${job.learningRate}`, async (seed) => {
    const { run, result } = await trainMethod(method, { ...rest, seed, steps, measureOn: 'validation' });
    result.dispose();
    return run.accuracy;
  });
  return mean(accuracies);
}
