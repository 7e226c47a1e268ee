/** One line of the check: what was looked at and what was found. */
export interface Row {
  readonly kind: 'passed' | 'failed' | 'noted';
  readonly what: string;
  readonly found: string;
}

declare global {
  /** Made by the script that drives the browser. */
  var peftReport: ((text: string) => void) | undefined;
}

/** Tells the script, and shows the line in the page. */
export function report(row: Row): void {
  const line = document.createElement('tr');
  line.className = row.kind;
  for (const text of [row.kind, row.what, row.found]) line.appendChild(document.createElement('td')).textContent = text;
  document.getElementById('rows')?.appendChild(line);
  globalThis.peftReport?.(JSON.stringify(row));
}

export function end(): void {
  globalThis.peftReport?.(JSON.stringify({ kind: 'end' }));
}

/** Runs a check, which gives back what it found or throws. */
export async function check(what: string, run: () => Promise<string> | string): Promise<void> {
  await tell('passed', what, run);
}

/** Measures what is not judged. */
export async function note(what: string, run: () => Promise<string>): Promise<void> {
  await tell('noted', what, run);
}

async function tell(kind: Row['kind'], what: string, run: () => Promise<string> | string): Promise<void> {
  try {
    report({ kind, what, found: await run() });
  } catch (error) {
    report({ kind: 'failed', what, found: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

export function require(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}
