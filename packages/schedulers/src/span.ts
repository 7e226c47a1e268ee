import { numberProblem } from './numberProblem.ts';

/** A number of steps, or a fraction of the run, rounded up to whole steps. */
export type Span = number | { readonly fraction: number };

/** What is wrong with a span, or undefined when nothing is wrong. */
export function spanProblem(name: string, span: Span): string | undefined {
  return typeof span === 'object' && span !== null
    ? numberProblem(`fraction of ${name}`, span.fraction, { least: 0, most: 1 })
    : numberProblem(name, span, { whole: true, least: 0 })?.concat(', or { fraction } of the run');
}

/** The whole steps of a span in a run of `totalSteps`. */
export function spanSteps(span: Span, totalSteps: number): number {
  return typeof span === 'number' ? span : Math.ceil(span.fraction * totalSteps);
}
