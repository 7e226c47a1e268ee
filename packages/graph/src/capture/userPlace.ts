/** Frames kept of a stack while capturing: gradients call gradients, and the user's line is beneath them all. */
export const stackDepth = 60;

const libraries = /[\\/]@tensorflow[\\/]|[\\/]tfjs[\w.-]*[\\/]|[\\/](?:@peft|packages)[\\/]ops[\\/]/;

/**
 * Where the user's code called what threw, as ` at file:line:column`, or nothing where the stack does not tell: the first
 * line beneath this package's frames, tfjs's and those of @peft/ops; `directly` where tfjs was not between.
 */
export function atPlace(stack: string | undefined, { directly = false } = {}): string {
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const entry = directly ? 1 : frames.findIndex((line) => libraries.test(line));
  const line = frames.slice(entry).find((each) => !libraries.test(each) && !/<anonymous>\)|node:internal/.test(each));
  const place = line?.match(/\(?((?:file:\/\/|[A-Za-z]:\\|\/|https?:\/\/)?[^()\s]+:\d+:\d+)\)?\s*$/)?.[1];
  return place === undefined ? '' : ` at ${place}`;
}
