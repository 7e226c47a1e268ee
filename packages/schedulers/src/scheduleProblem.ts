/** What is wrong with a schedule handed to another, or undefined when nothing is wrong. */
export function scheduleProblem(name: string, value: unknown): string | undefined {
  if (typeof value === 'function') return undefined;
  return `${name} is not a function; give a schedule such as linear(5e-4)`;
}
