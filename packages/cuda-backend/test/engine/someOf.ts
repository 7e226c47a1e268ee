/**
 * The first variants of each kind; all of them in `npm run test:contracts`, which takes minutes.
 * @param count how many the usual tests run
 */
export function someOf<Variant>(
  variants: Readonly<Record<string, Variant>>,
  count: number,
): readonly (readonly [string, Variant])[] {
  const all = Object.entries(variants);
  return process.env.MODE === 'all' ? all : all.slice(0, count);
}
