import { digitsMethods } from '../problems/digitsMethods.ts';
import type { TunedMethod } from '../problems/tuneDigits.ts';
import { percent, table } from '../report/figures.ts';

/** Test accuracy in percent of every method at every rate; the chosen one is bold. */
export function accuracyTable(methods: Readonly<Record<string, TunedMethod>>): string {
  const rates = [
    ...new Set(Object.values(digitsMethods).flatMap(({ learningRates }) => learningRates as readonly number[])),
  ].sort((left, right) => left - right);
  const body = Object.values(methods).map(({ method, byRate, chosen }) => [
    method.name,
    ...rates.map((rate) => {
      const values = byRate.get(rate);
      if (!values) return '';
      const text = percent(values);
      return rate === chosen ? `**${text}**` : text;
    }),
  ]);
  return [
    'Test accuracy in percent, mean and standard deviation over seeds; bold at the chosen rate.',
    '',
    table(['method', ...rates.map((rate) => `lr ${rate}`)], body),
  ].join('\n');
}
