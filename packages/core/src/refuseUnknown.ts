import { PeftError } from '@peft/ops';

/** Refuses options of other names, which would have no effect and no error. Throws `option/unknown`. */
export function refuseUnknown(what: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new PeftError(
      'option/unknown',
      `${what} is ${typeof options === 'string' ? JSON.stringify(options) : String(options)}; pass a record of its options: ${known.join(', ')}.`,
    );
  }
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  const names = unknown.map((name) => `"${name}"`).join(', ');
  throw new PeftError(
    'option/unknown',
    `${what}: ${names} ${unknown.length === 1 ? 'is no option' : 'are no options'}; the options are ${known.join(', ')}.`,
  );
}
