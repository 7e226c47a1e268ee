import { PeftError } from '@peft/ops';

export type Range = {
  readonly from?: number;
  readonly above?: number;
  readonly to?: number;
  readonly below?: number;
  readonly integer?: boolean;
};

/** Refuses every named number outside the range at once: `adamw: beta1 is 1; it must be at least 0 and below 1.` */
export function requireInRange(where: string, values: Readonly<Record<string, number>>, range: Range): void {
  const wrong = Object.entries(values).filter(([, value]) => !isInRange(value, range));
  if (wrong.length === 0) return;
  const said = wrong.map(([name, value]) => `${name} is ${value}`).join(', ');
  throw new PeftError('option/range', `${where}: ${said}; it must be ${describe(range)}.`);
}

function isInRange(value: number, { from, above, to, below, integer }: Range): boolean {
  return (
    Number.isFinite(value) &&
    (from === undefined || value >= from) &&
    (above === undefined || value > above) &&
    (to === undefined || value <= to) &&
    (below === undefined || value < below) &&
    (!integer || Number.isInteger(value))
  );
}

function describe({ from, above, to, below, integer }: Range): string {
  const bounds = [
    from !== undefined && `at least ${from}`,
    above !== undefined && `above ${above}`,
    to !== undefined && `at most ${to}`,
    below !== undefined && `below ${below}`,
  ].filter((bound) => bound !== false);
  return `${integer ? 'a whole number' : 'a number'}${bounds.length ? ` ${bounds.join(' and ')}` : ''}`;
}
