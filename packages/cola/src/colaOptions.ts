import { PeftError, requireInRange } from '@peft/core';

/** How a chain is cut into links and what starts anew at a knot besides the adapter. */
export type ColaOptions = {
  /** Number of links; link i of n begins at step floor(i * total / n). Or give `steps`. */
  readonly links?: number;
  /** Length of every link in optimizer steps; together the run's. */
  readonly steps?: readonly number[];
  /** Whose moments and step counts are forgotten at a knot: the adapted targets' (default), every leaf's, or none's. */
  readonly restart?: 'targets' | 'all' | 'none';
  /** Whether the learning-rate schedule begins again with every link (default) or runs on over the whole chain. */
  readonly schedule?: 'restart' | 'continue';
};

/** The options with their defaults. */
export function checkOptions(options: ColaOptions) {
  const { links, steps, restart = 'targets', schedule = 'restart', ...unknown } = options ?? {};
  const [name] = Object.keys(unknown);
  if (name !== undefined) {
    throw new PeftError(
      'chain/options',
      `cola: "${name}" is no option; the options are links, steps, restart, schedule.`,
    );
  }
  if (links === undefined && steps === undefined) {
    throw new PeftError(
      'chain/options',
      'cola: neither links nor steps is given; pass the number of links or the length of each.',
    );
  }
  if (links !== undefined) requireInRange('cola', { links }, { from: 1, integer: true });
  if (steps?.length === 0) {
    throw new PeftError('chain/options', 'cola: steps is empty; a chain needs at least one link.');
  }
  const lengths = Object.fromEntries((steps ?? []).map((length, index) => [`steps[${index}]`, length]));
  requireInRange('cola', lengths, { from: 1, integer: true });
  if (links !== undefined && steps !== undefined && links !== steps.length) {
    throw new PeftError(
      'chain/options',
      `cola: links is ${links} but steps has ${steps.length} lengths; give one of the two, or make them agree.`,
    );
  }
  if (!['targets', 'all', 'none'].includes(restart)) {
    throw new PeftError('chain/options', `cola: restart is "${restart}"; it must be "targets", "all" or "none".`);
  }
  if (!['restart', 'continue'].includes(schedule)) {
    throw new PeftError('chain/options', `cola: schedule is "${schedule}"; it must be "restart" or "continue".`);
  }
  return { count: steps?.length ?? (links as number), restart, schedule };
}
