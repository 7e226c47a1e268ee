import { PeftError } from '@peft/ops';

const longestSaid = 300;

/** Text that Python PEFT puts around a user's expression before it compiles the whole. */
export type PatternFrame = { readonly before: string; readonly after: string };

/** A cursor over the code points of a Python regular expression; positions in errors count from the user's own text. */
export class PatternScanner {
  position = 0;
  readonly #characters: readonly string[];
  readonly #pattern: string;
  readonly #start: number;
  readonly #end: number;

  constructor(pattern: string, frame: PatternFrame) {
    this.#characters = [...`${frame.before}${pattern}${frame.after}`];
    this.#pattern = pattern;
    this.#start = [...frame.before].length;
    this.#end = this.#characters.length - [...frame.after].length;
  }

  /** The character `ahead` places further on, or the empty string past the end. */
  peek(ahead = 0): string {
    return this.#characters[this.position + ahead] ?? '';
  }

  next(): string {
    const character = this.peek();
    if (character !== '') this.position += 1;
    return character;
  }

  take(text: string): boolean {
    if (!text.split('').every((character, index) => this.peek(index) === character)) return false;
    this.position += text.length;
    return true;
  }

  takeWhile(allowed: RegExp, limit = Number.POSITIVE_INFINITY): string {
    let taken = '';
    while (taken.length < limit && this.peek() !== '' && allowed.test(this.peek())) taken += this.next();
    return taken;
  }

  /** Reads up to `end` and past it; undefined when `end` never comes. */
  takeUntil(end: string): string | undefined {
    let taken = '';
    while (this.peek() !== '') {
      if (this.take(end)) return taken;
      taken += this.next();
    }
    return undefined;
  }

  /** @throws PeftError `target/pattern` always, naming the expression, the position and the reason. */
  fail(reason: string, position: number): never {
    const isInside = position >= this.#start && position <= this.#end;
    const place = isInside ? ` at position ${position - this.#start}` : '';
    throw new PeftError('target/pattern', `${sayPattern(this.#pattern)}${place}: ${reason}.`);
  }
}

/** An expression as it stands in messages: as it is written, and only its beginning where it is long. */
export function sayPattern(pattern: string): string {
  const isLong = pattern.length > longestSaid;
  const cut = isLong ? ` (first ${longestSaid} of ${pattern.length} characters)` : '';
  return `regular expression "${pattern.slice(0, longestSaid)}"${cut}`;
}
