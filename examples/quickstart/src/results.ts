import type { MethodRun } from './trainMethod.ts';

/** One method over all its seeds, as results.json has it. */
export type MethodResult = {
  readonly name: string;
  readonly about: string;
  /** Of the runs' final test accuracies. */
  readonly accuracyMean: number;
  /** Sample standard deviation; 0 with one run. */
  readonly accuracySd: number;
  /** Parameters that train at once. */
  readonly trainableParameters: number;
  /** Size of the adapter's tensor file. */
  readonly adapterBytes: number;
  /** Mean wall time of a run, evaluation included. */
  readonly seconds: number;
  readonly learningRate: number;
  readonly runs: readonly MethodRun[];
};

type Known = Pick<MethodResult, 'name' | 'about' | 'adapterBytes' | 'learningRate'>;

/** Means and spread over a method's runs. */
export function summarise(known: Known, runs: readonly MethodRun[]): MethodResult {
  const accuracies = runs.map(({ accuracy }) => accuracy);
  const accuracyMean = mean(accuracies);
  const variance =
    runs.length > 1 ? accuracies.reduce((sum, value) => sum + (value - accuracyMean) ** 2, 0) / (runs.length - 1) : 0;
  return {
    ...known,
    accuracyMean,
    accuracySd: Math.sqrt(variance),
    trainableParameters: runs[0]?.trainableParameters ?? 0,
    seconds: mean(runs.map(({ seconds }) => seconds)),
    runs,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
