const quote = 0x22;
const backslash = 0x5c;
// More than a message shows, so that a file full of them takes no more memory than another.
const mostPaths = 20;

export type DuplicateKeys = { readonly count: number; readonly paths: readonly (readonly string[])[] };

/**
 * How many keys occur twice in one object of a JSON text, which JSON.parse hides by keeping the last, and the paths of
 * the first of them. The text must have passed JSON.parse before.
 */
export function duplicateKeys(text: string): DuplicateKeys {
  const paths: string[][] = [];
  let count = 0;
  const open: { keys: Set<string> | undefined; key: string }[] = [];
  let wantsKey = false;
  let index = 0;
  while (index < text.length) {
    const code = text.charCodeAt(index);
    if (code === quote) {
      const end = stringEnd(text, index);
      const object = open.at(-1);
      if (wantsKey && object?.keys !== undefined) {
        const key: string = JSON.parse(text.slice(index, end));
        object.key = key;
        if (object.keys.has(key)) {
          count += 1;
          if (paths.length < mostPaths) paths.push(open.filter(({ keys }) => keys !== undefined).map((at) => at.key));
        }
        object.keys.add(key);
        wantsKey = false;
      }
      index = end;
      continue;
    }
    const symbol = text[index];
    if (symbol === '{' || symbol === '[') {
      open.push({ keys: symbol === '{' ? new Set() : undefined, key: '' });
      wantsKey = symbol === '{';
    } else if (symbol === '}' || symbol === ']') {
      open.pop();
    } else if (symbol === ',') {
      wantsKey = open.at(-1)?.keys !== undefined;
    }
    index++;
  }
  return { count, paths };
}

function stringEnd(text: string, start: number): number {
  let index = start + 1;
  while (text.charCodeAt(index) !== quote) index += text.charCodeAt(index) === backslash ? 2 : 1;
  return index + 1;
}
