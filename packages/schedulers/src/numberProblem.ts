interface Bounds {
  readonly whole?: boolean;
  readonly least?: number;
  readonly above?: number;
  readonly most?: number;
  readonly below?: number;
}

/** What is wrong with a number and which numbers are right, or undefined when nothing is wrong. */
export function numberProblem(name: string, value: unknown, bounds: Bounds): string | undefined {
  const { whole = false, least = -Infinity, above = -Infinity, most = Infinity, below = Infinity } = bounds;
  const isRight =
    typeof value === 'number' &&
    (whole ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
    value >= least &&
    value > above &&
    value <= most &&
    value < below;
  return isRight ? undefined : `${name} is ${shown(value)}; give ${rightNumbers(bounds)}`;
}

function rightNumbers({ whole, least, above, most, below }: Bounds): string {
  const limits = [
    least === undefined ? [] : `of at least ${least}`,
    above === undefined ? [] : `above ${above}`,
    most === undefined ? [] : `at most ${most}`,
    below === undefined ? [] : `below ${below}`,
  ].flat();
  return `a ${whole ? 'whole' : 'finite'} number ${limits.join(' and ')}`;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}
