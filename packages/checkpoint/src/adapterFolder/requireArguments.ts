import { PeftError } from '@peft/core';

/** Refuses a call whose arguments are not what the types say (`checkpoint/options`, with all that is wrong). */
export function requireArguments(what: string, problems: readonly (string | false | undefined)[]): void {
  const found = problems.filter((problem) => typeof problem === 'string');
  if (found.length === 0) return;
  const lines = found.length === 1 ? ` ${found[0]}.` : found.map((problem) => `\n- ${problem}.`).join('');
  throw new PeftError('checkpoint/options', `${what}:${lines}`);
}

/** The option names among these keys that a function does not have, as a sentence. */
export function unknownOptions(options: object, known: readonly string[]): string | undefined {
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  if (unknown.length === 0) return undefined;
  const names = unknown.map((name) => `"${name}"`).join(', ');
  return `${names} ${unknown.length === 1 ? 'is no option' : 'are no options'}, the options are ${known.join(', ')}`;
}
