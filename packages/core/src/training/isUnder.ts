/** True for a parameter of the module of this name, or of one inside it. */
export function isUnder(path: string, module: string): boolean {
  return `.${path}`.includes(`.${module}.`);
}
