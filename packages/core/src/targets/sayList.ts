const longestText = 120;
const mostNames = 100;

/** A text from elsewhere as it may stand in a message: its beginning where it is long. */
export function cutText(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}... (${text.length} characters)` : text;
}

/** Names in quotes with commas: `"a", "b"`. */
export function sayNames(names: readonly string[]): string {
  const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : '';
  return (
    names
      .slice(0, mostNames)
      .map((name) => `"${cutText(name)}"`)
      .join(', ') + more
  );
}

/** Numbers in order with runs drawn together: `0 to 3, 7`. */
export function sayNumbers(numbers: readonly number[]): string {
  const runs: { first: number; last: number }[] = [];
  for (const number of [...new Set(numbers)].sort((left, right) => left - right)) {
    const run = runs.at(-1);
    if (run?.last === number - 1) run.last = number;
    else runs.push({ first: number, last: number });
  }
  const say = ({ first, last }: { first: number; last: number }) => {
    if (first === last) return `${first}`;
    return last === first + 1 ? `${first}, ${last}` : `${first} to ${last}`;
  };
  return runs.map(say).join(', ');
}

/** A count with its noun: `1 target`, `2 targets`. */
export function sayCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A selection as the user wrote it: `["query", "value"]`, `"all-linear"`, `/x/`. */
export function saySelection(selection: string | RegExp | readonly string[]): string {
  if (selection instanceof RegExp) return String(selection);
  return typeof selection === 'string' ? `"${cutText(selection)}"` : `[${sayNames(selection)}]`;
}

/** Layers by number: `layer 3`, `layers 0 to 2`. */
export function sayLayers(layers: readonly number[]): string {
  return `${new Set(layers).size === 1 ? 'layer' : 'layers'} ${sayNumbers(layers)}`;
}
