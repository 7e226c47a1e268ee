/** Frames kept of a stack while capturing: gradients call gradients, and the user's line is beneath them all. */
export const stackDepth = 60;

const libraries = /[\\/]@tensorflow[\\/]|[\\/]tfjs[\w.-]*[\\/]|[\\/](?:@peft|packages)[\\/]ops[\\/]/;

/**
 * The first line of the user's code on a stack, as `file:line:column`: beneath this package's frames, tfjs's and
 * those of @peft/ops. `undefined` when the stack shows none.
 */
export function userPlace(stack: string | undefined): string | undefined {
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const entry = frames.findIndex((line) => libraries.test(line));
  const place = frames
    .slice(entry)
    .find((line) => !libraries.test(line) && !/\(<anonymous>\)|node:internal/.test(line));
  return place?.match(/\(?((?:file:\/\/|[A-Za-z]:\\|\/|https?:\/\/)?[^()\s]+:\d+:\d+)\)?\s*$/)?.[1];
}

/** ` at file:line:column`, or nothing. */
export function atPlace(stack: string | undefined): string {
  const place = userPlace(stack);
  return place === undefined ? '' : ` at ${place}`;
}
