import { createHash } from 'node:crypto';
import { sizeOf } from '@peft/core';
import type { Value } from '@peft/graph';
import { type Expression, elementExpressions } from '../lowering/elementExpressions.ts';
import { dropoutThreshold } from '../lowering/elementRows.ts';
import { bytesPerNumber, type Storage } from '../plan/storage.ts';
import { cLiteral } from './cLiteral.ts';
import { identityMap, isConstant, keyOfMap, placeText, splitAt } from './indexMap.ts';
import { type LoadShape, loadShape } from './loadShape.ts';
import { type RowShape, rowShape } from './rowShape.ts';
import type { Load, Reduced, Term, TermType } from './term.ts';
import { operandsOf, termsOf } from './termsOf.ts';
import type { Store, Traced } from './traceGroup.ts';

/** A generated kernel: what it reads and stores, in the order of its parameters. */
export interface FusedKernel extends Traced {
  /** C++ of its parameter struct and its body, under a name that is the text's hash. */
  readonly write: () => { readonly name: string; readonly text: string };
  readonly loads: readonly Value[];
  /** Of loads whose every number is read by the thread that stores the number of the same place, and by no other. */
  readonly isOwn: readonly boolean[];
  readonly rows: RowShape | undefined;
  /** How many sums of rows it makes. */
  readonly sums: number;
  /** Bytes it moves: what it reads out of order counts as the whole lines of memory it touches. */
  readonly bytes: number;
}

/** Numbers of one kernel that a thread may hold eight of at a time. */
const mostEights = 20;
const mostOperands = 200;
const mostStatements = 500;

/** What memory gives at least. */
const lineBytes = 32;

const tags = { f32: 'storageF32', bf16: 'storageBf16', i32: 'storageI32', u8: 'storageU8' } as const;

/** The kernel of a traced group; undefined where it would need too much of a thread. */
export function fusedKernel(traced: Traced, storageOf: (value: Value) => Storage): FusedKernel | undefined {
  const writer = new KernelWriter(traced, storageOf);
  if (!writer.fits()) return undefined;
  const { loads, isOwn, rows, sums, bytes } = writer;
  const write = () => {
    const body = writer.write();
    const name = `fused${createHash('sha256').update(body).digest('hex').slice(0, 16)}`;
    return { name, text: body.replaceAll('$name', name) };
  };
  return { ...traced, write, loads, isOwn, rows, sums, bytes };
}

class KernelWriter {
  readonly loads: Value[] = [];
  readonly isOwn: boolean[] = [];
  readonly rows: RowShape | undefined;
  readonly #traced: Traced;
  readonly #storageOf: (value: Value) => Storage;
  readonly #terms: readonly Term[];
  readonly #names = new Map<Term, string>();
  readonly #keys = new Map<Value, string>();
  readonly #kept = new Set<Term>();
  readonly #lastStage: number;
  readonly #index: 'u32' | 'i64';

  constructor(traced: Traced, storageOf: (value: Value) => Storage) {
    this.#traced = traced;
    this.#storageOf = storageOf;
    this.#terms = termsOf(traced.stores.map(({ term }) => term));
    this.#lastStage = Math.max(0, ...traced.stores.map(({ term }) => term.stage));
    this.rows = traced.width === undefined ? undefined : rowShape(traced.width);
    const read = this.#terms.flatMap((term) => (term.kind === 'load' ? [sizeOf(term.value.shape)] : []));
    this.#index = Math.max(traced.size, ...read) < 2 ** 31 ? 'u32' : 'i64';
  }

  /** Whether a thread can hold what the kernel needs. */
  fits(): boolean {
    if (this.#terms.length > mostStatements) return false;
    this.#findLoads();
    this.#findKept();
    if (this.loads.length + this.#traced.stores.length > mostOperands) return false;
    const eights = this.#terms.filter((term) => this.#isEight(term)).length + this.#traced.stores.length;
    return eights <= mostEights || this.#traced.size === 1;
  }

  write(): string {
    for (const [number, term] of this.#terms.entries()) this.#names.set(term, `t${number}`);
    const body = this.rows ? this.#rowBody(this.rows) : this.#runBody();
    const threads = this.rows?.threads ?? 256;
    return [
      'struct $nameParameters {',
      ...this.loads.map((_, place) => `  const void *x${place};`),
      ...this.#traced.stores.map((_, place) => `  void *y${place};`),
      '  i64 count;',
      '};',
      '',
      `PEFT_KERNEL($name, $nameParameters, ${threads}) {`,
      ...[...this.#keys.values(), ...body].map((line) => (line.startsWith('#') ? line : `  ${line}`)),
      '}',
      '',
    ].join('\n');
  }

  #findLoads(): void {
    const owned = new Map<Value, boolean>();
    for (const term of this.#terms) {
      if (term.kind === 'mask') owned.set(term.key, false);
      if (term.kind !== 'load') continue;
      const isOwn =
        !term.isShared && !owned.has(term.value) && keyOfMap(term.map) === keyOfMap(identityMap(this.#traced.size));
      owned.set(term.value, isOwn);
    }
    for (const [value, isOwn] of owned) {
      this.loads.push(value);
      this.isOwn.push(isOwn);
    }
    for (const term of this.#terms) {
      if (term.kind !== 'mask' || this.#keys.has(term.key)) continue;
      const place = this.#placeOf(term.key);
      this.#keys.set(term.key, `const DropoutKeys keys${place} = dropoutKeys((const i32 *)p.x${place});`);
    }
  }

  get sums(): number {
    return this.#terms.filter(({ kind }) => kind === 'reduced').length;
  }

  get bytes(): number {
    const { size, width, stores } = this.#traced;
    let bytes = 0;
    for (const { value } of stores) bytes += sizeOf(value.shape) * bytesPerNumber(this.#storageOf(value));
    for (const term of this.#terms) {
      if (term.kind !== 'load') continue;
      const each = bytesPerNumber(this.#storageOf(term.value));
      const count = Math.min(term.isShared ? size / (width ?? size) : size, sizeOf(term.value.shape));
      const step = term.isShared ? 1 : Math.max(1, term.map.axes.at(-1)?.step ?? 1);
      bytes += count * Math.min(each * step, lineBytes);
    }
    return bytes;
  }

  #placeOf(value: Value): number {
    return this.loads.indexOf(value);
  }

  #isEight(term: Term): boolean {
    if (term.isShared) return false;
    if (term.kind === 'load') return this.#shapeOf(term).kind !== 'one';
    return this.#kept.has(term);
  }

  #shapeOf({ map }: Load): LoadShape {
    return loadShape(map, this.#traced.width);
  }

  /** One number after the other, in strides of the grid. */
  #runBody(): string[] {
    const shared = this.#terms.filter((term) => term.isShared).flatMap((term) => this.#sharedLines(term));
    return [
      ...shared,
      'const i64 step = (i64)blocks * blockDim.x * 8;',
      'for (i64 first = ((i64)block * blockDim.x + threadIdx.x) * 8; first < p.count; first += step) {',
      `  const ${this.#index} index = (${this.#index})first;`,
      '  const i32 count = p.count - first < 8 ? (i32)(p.count - first) : 8;',
      ...this.#eightLines(0, new Set()).map(indented),
      '}',
    ];
  }

  /** A row to a group of threads. */
  #rowBody({ group, isLong }: RowShape): string[] {
    const width = this.#traced.width as number;
    const count = width % 8 === 0 ? '8' : `eightOf(column, ${width})`;
    const lines: string[] = [];
    const done = new Set<Term>();
    for (let stage = 0; stage <= this.#lastStage; stage++) {
      for (const term of this.#terms) if (term.isShared && term.stage === stage) lines.push(...this.#sharedLines(term));
      const before = new Set(done);
      const inner = this.#eightLines(stage, isLong ? new Set() : done);
      const kept = [...this.#kept].filter((term) => done.has(term) && !before.has(term));
      const reduced = this.#reducedAt(stage + 1);
      if (inner.length === 0) continue;
      lines.push(
        ...kept.map((term) => `${term.type} ${this.#name(term)}[8];`),
        ...reduced.map((term) => `float part${this.#name(term)} = ${unitOf(term)};`),
        isLong
          ? `for (i32 column = RowGroup<${group}>::lane() * 8; column < ${width}; column += ${group * 8}) {`
          : `if (column < ${width}) {`,
        `  const i32 count = ${count};`,
        ...inner.map(indented),
        '}',
        ...reduced.map(
          (term) => `const float ${this.#name(term)} = ${combinerOf(term)}<${group}>(part${this.#name(term)});`,
        ),
      );
    }
    const rowStores = this.#traced.stores.flatMap((store, place) =>
      store.isRow ? [`  ${this.#rowStore(store, place)}`] : [],
    );
    if (rowStores.length > 0) lines.push(`if (RowGroup<${group}>::lane() == 0) {`, ...rowStores, '}');
    return [
      `const i64 step = (i64)blocks * (blockDim.x / ${group});`,
      `for (i64 each = RowGroup<${group}>::row(block); each < p.count; each += step) {`,
      `  const ${this.#index} row = (${this.#index})each;`,
      `  const i64 start = each * ${width};`,
      ...(isLong ? [] : [`  const i32 column = RowGroup<${group}>::lane() * 8;`]),
      ...lines.map(indented),
      '}',
    ];
  }

  #rowStore({ value, term }: Store, place: number): string {
    const store = value.dtype === 'float32' ? 'storeFloat' : 'storeInteger';
    return `${store}(p.y${place}, row, ${tags[this.#storageOf(value)]}, ${this.#read(term)});`;
  }

  #reducedAt(stage: number): readonly (Term & Reduced)[] {
    return this.#terms.filter((term): term is Term & Reduced => term.kind === 'reduced' && term.stage === stage);
  }

  /** The loop over eight numbers of a stage: what its sums, and at last the stores, need. */
  #eightLines(stage: number, done: Set<Term>): string[] {
    const reduced = this.#reducedAt(stage + 1);
    const stores = stage === this.#lastStage ? this.#numberStores() : [];
    if (reduced.length + stores.length === 0) return [];
    const needed = this.#neededFor(this.#rootsOf(stage), done);
    const before: string[] = [];
    const each: string[] = [];
    for (const term of needed) {
      if (term.kind === 'load') before.push(...this.#loadLines(term));
      else each.push(this.#eachLine(term));
      done.add(term);
    }
    for (const [{ value, term }, place] of stores) {
      before.push(`${typeOfStored(value)} y${place}[8];`);
      each.push(`y${place}[i] = ${this.#read(term)};`);
    }
    for (const term of reduced) each.push(this.#partLine(term));
    return [
      ...before,
      '#pragma unroll',
      'for (i32 i = 0; i < 8; i++) {',
      ...each.map(indented),
      '}',
      ...stores.map(
        ([{ value }, place]) =>
          `writeEight(p.y${place}, ${this.#ownPlace()}, ${tags[this.#storageOf(value)]}, count, y${place});`,
      ),
    ];
  }

  #numberStores(): readonly (readonly [Store, number])[] {
    return this.#traced.stores.flatMap((store, place) => (store.isRow ? [] : [[store, place] as const]));
  }

  /** Terms of each number that lead to the roots, in order, but for those that are there. */
  #neededFor(roots: readonly Term[], done: ReadonlySet<Term>): readonly Term[] {
    const needed = new Set<Term>();
    const visit = (term: Term) => {
      if (term.isShared || done.has(term) || needed.has(term) || term.kind === 'place') return;
      for (const operand of operandsOf(term)) visit(operand);
      needed.add(term);
    };
    roots.forEach(visit);
    return [...needed];
  }

  /** What a later stage needs of what an earlier one has made: a thread keeps its eight. Rows too long are read again. */
  #findKept(): void {
    if (!this.rows || this.rows.isLong) return;
    const made = new Set<Term>();
    for (let stage = 0; stage <= this.#lastStage; stage++) {
      const roots = this.#rootsOf(stage);
      const needed = this.#neededFor(roots, made);
      for (const term of [...roots, ...needed.flatMap(operandsOf)]) if (made.has(term)) this.#kept.add(term);
      for (const term of needed) made.add(term);
    }
  }

  #rootsOf(stage: number): readonly Term[] {
    const stores = stage === this.#lastStage ? this.#numberStores().map(([{ term }]) => term) : [];
    return [...this.#reducedAt(stage + 1).map(({ of }) => of), ...stores];
  }

  #ownPlace(): string {
    return this.rows ? 'start + column' : 'index';
  }

  #loadLines(term: Term & Load): string[] {
    const { kind, place } = this.#shapeOf(term);
    const name = this.#name(term);
    const from = `p.x${this.#placeOf(term.value)}`;
    const tag = tags[this.#storageOf(term.value)];
    const isKept = this.#kept.has(term);
    const declared = isKept ? [] : [`${term.type} ${name}[8];`];
    const zero = cLiteral(0, term.type);
    if (kind === 'eight') return [...declared, `readEight(${from}, ${place}, ${tag}, count, ${zero}, ${name});`];
    const one = `${loaderOf(term.type)}(${from}, ${place}, ${tag})`;
    if (kind === 'one') {
      return isKept ? [`for (i32 i = 0; i < 8; i++) ${name}[i] = ${one};`] : [`const ${term.type} ${name} = ${one};`];
    }
    return [...declared, '#pragma unroll', `for (i32 i = 0; i < 8; i++) ${name}[i] = i < count ? ${one} : ${zero};`];
  }

  #eachLine(term: Term): string {
    const text = this.#text(term);
    return this.#kept.has(term)
      ? `${this.#name(term)}[i] = ${text};`
      : `const ${term.type} ${this.#name(term)} = ${text};`;
  }

  #partLine(term: Term & Reduced): string {
    const part = `part${this.#name(term)}`;
    const number = this.#read(term.of);
    const all = (this.#traced.width as number) % 8 === 0;
    if (term.op === 'Sum') return all ? `${part} += ${number};` : `if (i < count) ${part} += ${number};`;
    const best = `${part} = ${term.op === 'Max' ? 'larger' : 'smaller'}(${part}, ${number});`;
    return all ? best : `if (i < count) ${best}`;
  }

  #sharedLines(term: Term): string[] {
    if (term.kind === 'literal' || term.kind === 'place' || term.kind === 'reduced') return [];
    return [`const ${term.type} ${this.#name(term)} = ${this.#text(term)};`];
  }

  #text(term: Term): string {
    switch (term.kind) {
      case 'computed': {
        const expression = elementExpressions[term.name][textKind(term)] as Expression;
        const attributes = term.attributes.map((number) => cLiteral(number, term.type));
        return expression(
          term.operands.map((operand) => this.#read(operand)),
          attributes,
        );
      }
      case 'load': {
        const place = this.#sharedPlace(term);
        return `${loaderOf(term.type)}(p.x${this.#placeOf(term.value)}, ${place}, ${tags[this.#storageOf(term.value)]})`;
      }
      case 'mask': {
        const threshold = `${dropoutThreshold(term.rate)}u`;
        const factor = cLiteral(1 / (1 - term.rate), 'float');
        return `dropoutFactor((u32)(${this.#read(term.place)}), keys${this.#placeOf(term.key)}, ${threshold}, ${factor})`;
      }
      case 'rounded':
        return `toFloat(toBf16(${this.#read(term.of)}))`;
      case 'literal':
      case 'place':
      case 'reduced':
        return this.#read(term);
    }
  }

  #sharedPlace({ map }: Load): string {
    const { width } = this.#traced;
    if (width === undefined || isConstant(map)) return placeText({ axes: [], offset: map.offset }, 'row');
    return placeText((splitAt(width, map) as NonNullable<ReturnType<typeof splitAt>>)[0], 'row');
  }

  /** How a term is written where another one reads it. */
  #read(term: Term): string {
    if (term.kind === 'literal') return cLiteral(term.number, term.type);
    if (term.kind === 'place') {
      if (term.isShared) return `(i32)(${this.#sharedPlace(term as never)})`;
      return `(i32)(${placeText(term.map, this.rows ? '(start + column + i)' : '(index + i)')})`;
    }
    const name = this.#name(term);
    if (term.isShared) return name;
    if (term.kind === 'load') {
      const isOne = this.#shapeOf(term).kind === 'one' && !this.#kept.has(term);
      return isOne ? name : `${name}[i]`;
    }
    return this.#kept.has(term) ? `${name}[i]` : name;
  }

  #name(term: Term): string {
    return this.#names.get(term) as string;
  }
}

const indented = (line: string) => (line.startsWith('#') ? line : `  ${line}`);

const loaderOf = (type: TermType) => (type === 'float' ? 'loadFloat' : 'loadInteger');

const typeOfStored = ({ dtype }: Value): TermType => (dtype === 'float32' ? 'float' : 'i32');

/** The table's expression for what the operands are; Select goes by what it chooses. */
function textKind({ operands, type }: Extract<Term, { kind: 'computed' }>): 'float' | 'integer' {
  return (operands.at(-1)?.type ?? type) === 'float' ? 'float' : 'integer';
}

function unitOf({ op }: Reduced): string {
  if (op === 'Sum') return '0.0f';
  return cLiteral(op === 'Max' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY, 'float');
}

function combinerOf({ op }: Reduced): string {
  return { Sum: 'sumOfRow', Max: 'largestOfRow', Min: 'smallestOfRow' }[op];
}
