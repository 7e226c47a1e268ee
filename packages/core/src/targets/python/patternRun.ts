import type { Codes } from './patternNode.ts';
import type { Instruction, PatternProgram } from './patternProgram.ts';
import type { StepBudget } from './stepBudget.ts';

/** What to go back to: another way on, or a value as it was before the way that failed. */
type Choice =
  | { readonly at: number; readonly position: number }
  | { readonly registers: Map<number, number>; readonly key: number; readonly value: number | undefined };

/** Attempts of a program on a text. */
export class PatternRun {
  readonly #program: PatternProgram;
  readonly #codes: Codes;
  readonly #budget: StepBudget;
  readonly #isWhole: boolean;
  readonly #opened = new Map<number, number>();
  readonly #begins = new Map<number, number>();
  readonly #ends = new Map<number, number>();
  readonly #marks = new Map<number, number>();
  // Of parts that run on their own: where they end is the same whenever they begin there.
  readonly #known = new Map<number, number>();

  constructor(
    program: PatternProgram,
    codes: Codes,
    { budget, isWhole }: { readonly budget: StepBudget; readonly isWhole: boolean },
  ) {
    this.#program = program;
    this.#codes = codes;
    this.#budget = budget;
    this.#isWhole = isWhole;
  }

  /** Where a match from here ends, -1 where there is none; undefined where the budget ends first. */
  from(start: number): number | undefined {
    const end = this.#from(0, start, this.#isWhole);
    return this.#budget.left < 0 ? undefined : end;
  }

  /** Where a group, the first being 0, matched; undefined when it took no part. */
  group(group: number): { readonly begin: number; readonly end: number } | undefined {
    const [begin, end] = [this.#begins.get(group), this.#ends.get(group)];
    return begin === undefined || end === undefined ? undefined : { begin, end };
  }

  // Tries ways in order and never goes on twice from one split at one position: no later way there can do better,
  // which bounds the steps by the program's length times the text's. A reference looks back at how it came there, so
  // with one only the budget bounds them.
  #from(start: number, startPosition: number, mustEnd: boolean): number {
    const { instructions, hasReferences } = this.#program;
    const codes = this.#codes;
    const choices: Choice[] = [];
    const seen = new Set<number>();
    let [at, position] = [start, startPosition];
    for (;;) {
      this.#budget.left -= 1;
      if (this.#budget.left < 0) return -1;
      const instruction = instructions[at] as Instruction;
      let isOn = true;
      at += 1;
      switch (instruction.op) {
        case 'character': {
          const code = codes[position];
          isOn = code !== undefined && instruction.has(code);
          position += 1;
          break;
        }
        case 'text':
          isOn = instruction.codes.every((code, index) => codes[position + index] === code);
          position += instruction.codes.length;
          break;
        case 'place':
          isOn = instruction.holds(codes, position);
          break;
        case 'split': {
          const key = at * (codes.length + 1) + position;
          if (hasReferences || !seen.has(key)) {
            seen.add(key);
            choices.push({ at: instruction.second, position });
            at = instruction.first;
          } else isOn = false;
          break;
        }
        case 'jump':
          at = instruction.to;
          break;
        case 'look': {
          const begin = position - instruction.behind;
          const found = begin >= 0 && this.#inner(at, begin) >= 0;
          isOn = found !== instruction.isNegated;
          at = instruction.after;
          break;
        }
        case 'atomic': {
          const end = this.#inner(at, position);
          isOn = end >= 0;
          position = end;
          at = instruction.after;
          break;
        }
        case 'open':
          this.#set(this.#opened, instruction.group, { value: position, choices });
          break;
        case 'close': {
          const begin = this.#opened.get(instruction.group) ?? position;
          this.#set(this.#begins, instruction.group, { value: begin, choices });
          this.#set(this.#ends, instruction.group, { value: position, choices });
          break;
        }
        case 'reference': {
          const { begin, end } = this.group(instruction.group) ?? { begin: 0, end: 0 };
          for (let offset = 0; begin + offset < end && isOn; offset += 1)
            isOn = codes[position + offset] === codes[begin + offset];
          position += end - begin;
          break;
        }
        case 'mark':
          this.#set(this.#marks, instruction.loop, { value: position, choices });
          break;
        case 'progress':
          isOn = this.#marks.get(instruction.loop) !== position;
          break;
        case 'match':
          if (!mustEnd || position === codes.length) return position;
          isOn = false;
          break;
        default:
          instruction satisfies never;
      }
      if (isOn) continue;
      const choice = this.#goBack(choices);
      if (choice === undefined) return -1;
      ({ at, position } = choice);
    }
  }

  #inner(at: number, position: number): number {
    const key = at * (this.#codes.length + 1) + position;
    // With references the groups of a remembered way would be missing.
    const known = this.#program.hasReferences ? undefined : this.#known.get(key);
    const end = known ?? this.#from(at, position, false);
    this.#known.set(key, end);
    return end;
  }

  #set(
    registers: Map<number, number>,
    key: number,
    { value, choices }: { readonly value: number; readonly choices: Choice[] },
  ): void {
    choices.push({ registers, key, value: registers.get(key) });
    registers.set(key, value);
  }

  #goBack(choices: Choice[]): { readonly at: number; readonly position: number } | undefined {
    for (let choice = choices.pop(); choice !== undefined; choice = choices.pop()) {
      if ('at' in choice) return choice;
      if (choice.value === undefined) choice.registers.delete(choice.key);
      else choice.registers.set(choice.key, choice.value);
    }
    return undefined;
  }
}
