import { categorySource, codeSource, rangeSource } from './characterSource.ts';
import { applyPatternFlags, defaultPatternFlags, type PatternFlags } from './patternFlags.ts';
import { anchor, choiceOf, oneCharacter, type Part, sequenceOf } from './patternPart.ts';
import { type PatternFrame, PatternScanner } from './patternScanner.ts';
import { readCharacterClass } from './readCharacterClass.ts';
import { octalCode, readEscape } from './readEscape.ts';
import { type Quantifier, readQuantifier } from './readQuantifier.ts';

/** Where a part stands: the flags in force, the groups surely set before it, and whether a look-behind holds it. */
type Place = { readonly flags: PatternFlags; readonly isSet: (name: string) => boolean; readonly isBehind: boolean };

const globalFlags = /^[aiLmsux]$/;
// A limit of ours, far from where recursion would overflow.
const greatestDepth = 200;

class PatternTranslator {
  readonly #scanner: PatternScanner;
  // The JavaScript names of Python's groups by number; `open` until their bracket closes.
  readonly #groups: { readonly name: string; open: boolean }[] = [];
  readonly #numbers = new Map<string, number>();
  #atomics = 0;
  #depth = 0;

  constructor(scanner: PatternScanner) {
    this.#scanner = scanner;
  }

  translate(): string {
    const flags = this.#leadingFlags();
    const { source } = this.#choice({ flags, isSet: () => false, isBehind: false });
    const scanner: PatternScanner = this.#scanner;
    if (scanner.peek() !== '') scanner.fail('this ")" closes nothing; remove it or write "\\)"', scanner.position);
    return source;
  }

  // Python allows flags for the whole expression only before its first item.
  #leadingFlags(): PatternFlags {
    const scanner: PatternScanner = this.#scanner;
    let flags = defaultPatternFlags;
    for (;;) {
      if (flags.verbose) this.#skipVerbose();
      const position = scanner.position;
      if (scanner.take('(?#')) {
        this.#comment(position);
        continue;
      }
      const on = scanner.take('(?') ? scanner.takeWhile(globalFlags) : '';
      if (on === '' || !scanner.take(')')) {
        scanner.position = position;
        return flags;
      }
      flags = applyPatternFlags(flags, { on, off: '' }, { scanner, position });
    }
  }

  #choice(place: Place): Part {
    const branches: Part[] = [this.#sequence(place)];
    while (this.#scanner.take('|')) branches.push(this.#sequence(place));
    return choiceOf(branches);
  }

  #sequence(place: Place): Part {
    const scanner: PatternScanner = this.#scanner;
    const parts: Part[] = [];
    const isSet = (name: string) => place.isSet(name) || parts.some((part) => part.sets.includes(name));
    for (;;) {
      if (place.flags.verbose) this.#skipVerbose();
      if (['', '|', ')'].includes(scanner.peek())) break;
      const position = scanner.position;
      const range = readQuantifier(scanner);
      if (range === undefined) {
        const part = this.#item({ ...place, isSet });
        if (part !== undefined) parts.push(part);
        continue;
      }
      const repeated = parts.pop();
      if (repeated === undefined || repeated.kind === 'anchor') {
        scanner.fail(
          'there is nothing to repeat here; write a backslash before the character to mean itself',
          position,
        );
      }
      if (repeated.kind === 'repeat') {
        scanner.fail('two repeats follow each other; put the first one in brackets', position);
      }
      parts.push(this.#repeat(repeated, range, { ...place, position }));
    }
    return sequenceOf(parts);
  }

  #skipVerbose(): void {
    const scanner: PatternScanner = this.#scanner;
    for (;;) {
      scanner.takeWhile(/[ \t\n\r\v\f]/);
      if (!scanner.take('#')) return;
      scanner.takeWhile(/[^\n]/);
    }
  }

  #repeat(part: Part, range: Quantifier, place: Place & { readonly position: number }): Part {
    const scanner: PatternScanner = this.#scanner;
    const { least, greatest } = range;
    const counts = `{${least},${greatest === Number.POSITIVE_INFINITY ? '' : greatest}}`;
    const plain = `(?:${part.source})${counts}`;
    const repeatsNothing = part.repeatsNothing || part.least === 0;
    let source = plain;
    if (scanner.take('?')) source = `${plain}?`;
    else if (scanner.take('+')) source = this.#atomic({ source: plain, repeatsNothing }, place);
    return {
      source,
      repeatsNothing,
      least: part.least * least,
      greatest: part.greatest === 0 ? 0 : part.greatest * greatest,
      sets: least === 0 || repeatsNothing ? [] : part.sets,
      kind: 'repeat',
    };
  }

  // A look-ahead never gives back what it took, so capturing in one and referring to it is atomic.
  #atomic(part: Pick<Part, 'source' | 'repeatsNothing'>, place: Place & { readonly position: number }): string {
    if (place.isBehind) {
      this.#scanner.fail('atomic parts inside a look-behind cannot be translated; write it without', place.position);
    }
    if (part.repeatsNothing) {
      const reason =
        'this atomic part repeats something that may be empty, which Python and JavaScript treat differently';
      this.#scanner.fail(`${reason}; write it without "+" or "?>"`, place.position);
    }
    this.#atomics += 1;
    const name = `atomic_${this.#atomics}`;
    return `(?:(?=(?<${name}>${part.source}))\\k<${name}>)`;
  }

  #item(place: Place): Part | undefined {
    const scanner: PatternScanner = this.#scanner;
    const position = scanner.position;
    const { flags } = place;
    const character = scanner.next();
    if (character === '\\') return this.#escape(place, position);
    if (character === '[') return oneCharacter(readCharacterClass(scanner, flags));
    if (character === '(') return this.#group(place, position);
    if (character === '.') return oneCharacter(flags.dotAll ? '[^]' : '[^\\n]');
    if (character === '^') return anchor(flags.multiline ? '(?<![^\\n])' : '^');
    if (character === '$') return anchor(flags.multiline ? '(?![^\\n])' : '(?=\\n?$)');
    return this.#literal(character.codePointAt(0) ?? 0, flags, position);
  }

  #literal(code: number, flags: PatternFlags, position: number): Part {
    const scanner: PatternScanner = this.#scanner;
    if (!flags.ignoreCase) return oneCharacter(codeSource(code));
    return oneCharacter(`[${rangeSource({ low: code, high: code }, flags, { scanner, position })}]`);
  }

  #escape(place: Place, position: number): Part {
    const scanner: PatternScanner = this.#scanner;
    const { flags } = place;
    const letter = scanner.peek();
    if (/[AZbBdDsSwW]/.test(letter)) {
      scanner.next();
      if (letter === 'A') return anchor('^');
      if (letter === 'Z') return anchor('$');
      const word = categorySource('w', flags);
      if (letter === 'b') return anchor(`(?:(?<=[${word}])(?![${word}])|(?<![${word}])(?=[${word}]))`);
      // Python before 3.14: no \B in an empty string.
      if (letter === 'B') return anchor(`(?!^$)(?:(?<=[${word}])(?=[${word}])|(?<![${word}])(?![${word}]))`);
      const isNegated = letter !== letter.toLowerCase();
      return oneCharacter(`[${isNegated ? '^' : ''}${categorySource(letter.toLowerCase(), flags)}]`);
    }
    if (letter === '0')
      return this.#literal(octalCode(scanner, scanner.takeWhile(/[0-7]/, 3), position), flags, position);
    if (!/[1-9]/.test(letter)) return this.#literal(readEscape(scanner), flags, position);
    if (/[1-7]/.test(letter) && /[0-7]/.test(scanner.peek(1)) && /[0-7]/.test(scanner.peek(2))) {
      return this.#literal(octalCode(scanner, scanner.takeWhile(/[0-7]/, 3), position), flags, position);
    }
    const number = Number(scanner.takeWhile(/[0-9]/, 2));
    return this.#reference(number, `group ${number}`, { ...place, position });
  }

  #reference(number: number, said: string, place: Place & { readonly position: number }): Part {
    const scanner: PatternScanner = this.#scanner;
    const { position } = place;
    const group = this.#groups[number - 1];
    if (group === undefined) scanner.fail(`there is no ${said} before this reference`, position);
    if (group.open) scanner.fail(`${said} is still open here; refer to it after its bracket`, position);
    if (place.isBehind) scanner.fail(`a reference to ${said} inside a look-behind cannot be translated`, position);
    if (place.flags.ignoreCase) {
      scanner.fail(`a reference to ${said} under the flag i cannot be translated; spell out the cases`, position);
    }
    if (!place.isSet(group.name)) {
      const reason = 'may be unset or an empty repeat here, which Python and JavaScript treat differently';
      scanner.fail(`${said} ${reason}; refer only to a group that always matches`, position);
    }
    return {
      source: `\\k<${group.name}>`,
      least: 0,
      greatest: Number.POSITIVE_INFINITY,
      sets: [],
      repeatsNothing: false,
      kind: 'atom',
    };
  }

  #group(place: Place, position: number): Part | undefined {
    const scanner: PatternScanner = this.#scanner;
    if (!scanner.take('?')) return this.#capture(undefined, place, position);
    if (scanner.take('P')) return this.#named(place, position);
    if (scanner.take('#')) {
      this.#comment(position);
      return undefined;
    }
    if (scanner.take(':')) return this.#wrap('(?:', this.#body(place, position));
    if (scanner.take('>')) {
      const body = this.#body(place, position);
      return { ...body, source: this.#atomic(body, { ...place, position }) };
    }
    if (scanner.take('=')) return this.#look('(?=', place, position);
    if (scanner.take('!')) return this.#look('(?!', place, position);
    if (scanner.take('<=')) return this.#look('(?<=', place, position);
    if (scanner.take('<!')) return this.#look('(?<!', place, position);
    if (scanner.take('<')) scanner.fail('Python writes a named group as "(?P<name>...)"', position);
    if (scanner.take('(')) {
      scanner.fail('a conditional group cannot be translated; write both cases with "|"', position);
    }
    return this.#scopedFlags(place, position);
  }

  #comment(position: number): void {
    if (this.#scanner.takeUntil(')') === undefined) {
      this.#scanner.fail('this comment is never closed; close it with ")"', position);
    }
  }

  #scopedFlags(place: Place, position: number): Part {
    const scanner: PatternScanner = this.#scanner;
    const on = scanner.takeWhile(globalFlags);
    const isOff = scanner.take('-');
    const off = isOff ? scanner.takeWhile(globalFlags) : '';
    if (on === '' && !isOff) scanner.fail(`Python knows no group "(?${scanner.peek()}"`, position);
    if (!isOff && scanner.peek() === ')') {
      scanner.fail('flags for the whole expression must stand at its very start; use "(?flags:...)" here', position);
    }
    if ((isOff && off === '') || !scanner.take(':')) {
      scanner.fail('these flags are not well formed; write "(?flags:...)" with letters of a, i, m, s, u, x', position);
    }
    const flags = applyPatternFlags(place.flags, { on, off }, { scanner, position });
    return this.#wrap('(?:', this.#body({ ...place, flags }, position));
  }

  #named(place: Place, position: number): Part {
    const scanner: PatternScanner = this.#scanner;
    const isReference = scanner.take('=');
    if (!isReference && !scanner.take('<')) scanner.fail(`Python knows no group "(?P${scanner.peek()}"`, position);
    const name = scanner.takeUntil(isReference ? ')' : '>');
    if (name === undefined || !/^[\p{XID_Start}_]\p{XID_Continue}*$/u.test(name)) {
      scanner.fail('a group name is missing or is not a Python identifier', position);
    }
    if (!isReference) return this.#capture(name, place, position);
    return this.#reference(this.#numbers.get(name) ?? 0, `group "${name}"`, { ...place, position });
  }

  #capture(name: string | undefined, place: Place, position: number): Part {
    if (name !== undefined && this.#numbers.has(name)) {
      this.#scanner.fail(`the group name "${name}" is used twice; rename one`, position);
    }
    const group = { name: name === undefined ? `group_${this.#groups.length + 1}` : `name_${name}`, open: true };
    this.#groups.push(group);
    if (name !== undefined) this.#numbers.set(name, this.#groups.length);
    const body = this.#body(place, position);
    group.open = false;
    return { ...this.#wrap(`(?<${group.name}>`, body), sets: body.repeatsNothing ? [] : [...body.sets, group.name] };
  }

  #look(open: string, place: Place, position: number): Part {
    const isBehind = open.startsWith('(?<');
    const body = this.#body({ ...place, isBehind: isBehind || place.isBehind }, position);
    if (isBehind && body.least !== body.greatest) {
      this.#scanner.fail('a look-behind must have one fixed width in Python; split it by width', position);
    }
    const sets = open === '(?=' ? body.sets : [];
    return { ...this.#wrap(open, body), least: 0, greatest: 0, sets };
  }

  #wrap(open: string, body: Part): Part {
    return { ...body, source: `${open}${body.source})`, kind: 'atom' };
  }

  #body(place: Place, position: number): Part {
    this.#depth += 1;
    if (this.#depth > greatestDepth) {
      this.#scanner.fail(`groups are nested more than ${greatestDepth} deep; flatten them`, position);
    }
    const body = this.#choice(place);
    this.#depth -= 1;
    if (!this.#scanner.take(')')) {
      this.#scanner.fail('this group is never closed; close it with ")" or write "\\("', position);
    }
    return body;
  }
}

/**
 * Source for JavaScript's `u` mode that matches what a Python expression matches on text. Python's group `x` is called
 * `name_x`.
 * @throws PeftError `target/pattern` where Python refuses the expression or JavaScript cannot express it.
 */
export function translatePattern(pattern: string, frame: PatternFrame): string {
  return new PatternTranslator(new PatternScanner(pattern, frame)).translate();
}
