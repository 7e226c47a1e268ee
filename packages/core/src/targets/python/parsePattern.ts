import { categorySet, rangeSet, rangesOf } from './characterSet.ts';
import { applyPatternFlags, defaultPatternFlags, type PatternFlags } from './patternFlags.ts';
import type { PatternNode } from './patternNode.ts';
import { anchor, choiceOf, oneCharacter, type Part, sequenceOf } from './patternPart.ts';
import { type PatternFrame, PatternScanner } from './patternScanner.ts';
import {
  isBoundary,
  isEnd,
  isEndOrLastNewline,
  isLineEnd,
  isLineStart,
  isNoBoundary,
  isNoNewline,
  isStart,
} from './places.ts';
import { readCharacterClass } from './readCharacterClass.ts';
import { octalCode, readEscape } from './readEscape.ts';
import { type Quantifier, readQuantifier } from './readQuantifier.ts';

/** Where a part stands: the flags in force, the groups surely set before it, and whether a look-behind holds it. */
type Place = { readonly flags: PatternFlags; readonly isSet: (group: number) => boolean; readonly isBehind: boolean };

const globalFlags = /^[aiLmsux]$/;
// A limit of ours, far from where recursion would overflow.
const greatestDepth = 200;
const mostReferences = 50;

class PatternParser {
  readonly #scanner: PatternScanner;
  // Python's groups, the first at 0; `open` until their bracket closes.
  readonly #groups: { open: boolean }[] = [];
  readonly #numbers = new Map<string, number>();
  #references = 0;
  #depth = 0;

  constructor(scanner: PatternScanner) {
    this.#scanner = scanner;
  }

  parse(): ParsedPattern {
    const flags = this.#leadingFlags();
    const { node } = this.#choice({ flags, isSet: () => false, isBehind: false });
    const scanner: PatternScanner = this.#scanner;
    if (scanner.peek() !== '') scanner.fail('this ")" closes nothing; remove it or write "\\)"', scanner.position);
    return { node, names: this.#numbers, hasReferences: this.#references > 0 };
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
    const isSet = (group: number) => place.isSet(group) || parts.some((part) => part.sets.includes(group));
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
    const repeatsNothing = part.repeatsNothing || part.least === 0;
    const repeat = (isLazy: boolean): PatternNode => ({ kind: 'repeat', body: part.node, least, greatest, isLazy });
    let node: PatternNode;
    if (scanner.take('?')) node = repeat(true);
    else node = scanner.take('+') ? this.#atomic({ node: repeat(false), repeatsNothing }, place) : repeat(false);
    return {
      node,
      repeatsNothing,
      least: part.least * least,
      greatest: part.greatest === 0 ? 0 : part.greatest * greatest,
      sets: least === 0 || repeatsNothing ? [] : part.sets,
      kind: 'repeat',
    };
  }

  #atomic(part: Pick<Part, 'node' | 'repeatsNothing'>, place: Place & { readonly position: number }): PatternNode {
    if (place.isBehind) {
      this.#scanner.fail('atomic parts inside a look-behind cannot be translated; write it without', place.position);
    }
    if (part.repeatsNothing) {
      const reason =
        'this atomic part repeats something that may be empty, which Python and JavaScript treat differently';
      this.#scanner.fail(`${reason}; write it without "+" or "?>"`, place.position);
    }
    return { kind: 'atomic', body: part.node };
  }

  #item(place: Place): Part | undefined {
    const scanner: PatternScanner = this.#scanner;
    const position = scanner.position;
    const { flags } = place;
    const character = scanner.next();
    if (character === '\\') return this.#escape(place, position);
    if (character === '[') return oneCharacter({ kind: 'character', has: readCharacterClass(scanner, flags) });
    if (character === '(') return this.#group(place, position);
    if (character === '.') return oneCharacter({ kind: 'character', has: flags.dotAll ? () => true : isNoNewline });
    if (character === '^') return anchor(flags.multiline ? isLineStart : isStart);
    if (character === '$') return anchor(flags.multiline ? isLineEnd : isEndOrLastNewline);
    return this.#literal(character.codePointAt(0) ?? 0, flags, position);
  }

  #literal(code: number, flags: PatternFlags, position: number): Part {
    const scanner: PatternScanner = this.#scanner;
    if (!flags.ignoreCase) return oneCharacter({ kind: 'literal', code });
    return oneCharacter({ kind: 'character', has: rangeSet(rangesOf([code, code], flags, { scanner, position })) });
  }

  #escape(place: Place, position: number): Part {
    const scanner: PatternScanner = this.#scanner;
    const { flags } = place;
    const letter = scanner.peek();
    if (/[AZbBdDsSwW]/.test(letter)) {
      scanner.next();
      if (letter === 'A') return anchor(isStart);
      if (letter === 'Z') return anchor(isEnd);
      if (letter === 'b') return anchor(isBoundary(categorySet('w', flags)));
      if (letter === 'B') return anchor(isNoBoundary(categorySet('w', flags)));
      return oneCharacter({ kind: 'character', has: categorySet(letter, flags) });
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
    if (!place.isSet(number - 1)) {
      const reason = 'may be unset or an empty repeat here, which Python and JavaScript treat differently';
      scanner.fail(`${said} ${reason}; refer only to a group that always matches`, position);
    }
    this.#references += 1;
    if (this.#references > mostReferences)
      scanner.fail(`more than ${mostReferences} references cannot be followed; spell out what they repeat`, position);
    return {
      node: { kind: 'reference', group: number - 1 },
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
    if (scanner.take(':')) return { ...this.#body(place, position), kind: 'atom' };
    if (scanner.take('>')) {
      const body = this.#body(place, position);
      return { ...body, node: this.#atomic(body, { ...place, position }) };
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
    return { ...this.#body({ ...place, flags }, position), kind: 'atom' };
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
    const group = this.#groups.push({ open: true }) - 1;
    if (name !== undefined) this.#numbers.set(name, this.#groups.length);
    const body = this.#body(place, position);
    (this.#groups[group] as { open: boolean }).open = false;
    return {
      ...body,
      node: { kind: 'group', body: body.node, group },
      sets: body.repeatsNothing ? [] : [...body.sets, group],
      kind: 'atom',
    };
  }

  #look(open: string, place: Place, position: number): Part {
    const isBehind = open.startsWith('(?<');
    const body = this.#body({ ...place, isBehind: isBehind || place.isBehind }, position);
    if (isBehind && body.least !== body.greatest) {
      this.#scanner.fail('a look-behind must have one fixed width in Python; split it by width', position);
    }
    const node: PatternNode = {
      kind: 'look',
      body: body.node,
      behind: isBehind ? body.least : 0,
      isNegated: open.endsWith('!'),
    };
    return { ...body, node, least: 0, greatest: 0, sets: open === '(?=' ? body.sets : [], kind: 'atom' };
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

export type ParsedPattern = {
  readonly node: PatternNode;
  /** The numbers of named groups, from 1. */
  readonly names: ReadonlyMap<string, number>;
  readonly hasReferences: boolean;
};

/**
 * What a Python expression means on text.
 * @throws PeftError `target/pattern` where Python refuses the expression or it cannot be followed here.
 */
export function parsePattern(pattern: string, frame: PatternFrame): ParsedPattern {
  return new PatternParser(new PatternScanner(pattern, frame)).parse();
}
