import { PeftError } from '@peft/ops';

type RunCondition = {
  readonly isReady: boolean;
  readonly isBetweenSteps: boolean;
  readonly keepLinks: boolean;
  readonly step: number;
};

/** Refuses to give the state of a run that has none. Throws `run/not-ready`, `run/not-between-steps`, `run/no-links`. */
export function requireState({ isReady, isBetweenSteps, keepLinks, step }: RunCondition): void {
  if (!isReady)
    throw new PeftError('run/not-ready', 'the run has no state yet or no longer; ask for it while it trains.');
  if (!isBetweenSteps)
    throw new PeftError(
      'run/not-between-steps',
      `the run failed while its strategy changed the adapter after step ${step}, so it has no state; resume from an earlier save.`,
    );
  if (!keepLinks)
    throw new PeftError('run/no-links', 'a run with keepLinks: false cannot be saved; leave keepLinks on.');
}
