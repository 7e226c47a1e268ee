import { sizeOf } from '@peft/core';
import type { Address } from '../../src/device/driver.ts';
import type { Argument, Command, ProductCommand } from '../../src/plan/command.ts';
import type { Operand } from '../../src/plan/operand.ts';
import { parametersOf, tableOf } from '../../src/plan/parametersOf.ts';
import type { Region } from '../../src/plan/region.ts';
import { bytesPerNumber } from '../../src/plan/storage.ts';
import { launchOnHost } from './hostKernels.ts';
import { multiplyOnHost } from './hostProduct.ts';
import { hostRuntime, type ThreadOrder } from './hostRuntime.ts';
import { fromBytes, toBytes } from './storedNumbers.ts';

export interface HostExecutorOptions {
  /** Where in one arena regions lie, as a plan says; without it each region is an allocation of its own. */
  readonly arena?: { readonly bytes: number; readonly offsets: ReadonlyMap<Region, number> };
  /** Whether what a kernel only reads is compared afterwards: slow. */
  readonly isStrict?: boolean;
}

/** Runs commands on memory of the host. Every error names the command's node. */
export class HostExecutor {
  readonly #runtime = hostRuntime();
  readonly #arena: HostExecutorOptions['arena'];
  readonly #isStrict: boolean;
  readonly #addresses = new Map<Region, Address>();
  #arenaAddress: Address | undefined;

  constructor({ arena, isStrict = false }: HostExecutorOptions = {}) {
    this.#arena = arena;
    this.#isStrict = isStrict;
  }

  /** Runs all commands in order, the threads of each kernel in the given order. */
  run(commands: readonly Command[], order: ThreadOrder = 'forward'): void {
    this.#runtime.setOrder(order);
    try {
      for (const command of commands) this.#runOne(command);
    } finally {
      this.#runtime.setOrder('forward');
    }
    this.#runtime.checkMemory();
  }

  /** Numbers as the operand stores them: rounded to bf16 where it is. */
  write(operand: Operand, numbers: ArrayLike<number>): void {
    this.#runtime.write(this.#place(operand), toBytes(numbers, operand.storage));
  }

  read(operand: Operand): Float32Array | Int32Array | Uint8Array {
    return fromBytes(this.readBytes(operand), operand.storage);
  }

  readBytes(operand: Operand): Uint8Array {
    return this.#runtime.read(this.#place(operand), bytesOf(operand));
  }

  /** Frees all memory. @throws Error where something was written outside it */
  close(): void {
    const all = [...this.#addresses.values(), ...(this.#arenaAddress === undefined ? [] : [this.#arenaAddress])];
    this.#addresses.clear();
    this.#arenaAddress = undefined;
    const problems = all.flatMap((address) => {
      try {
        this.#runtime.free(address);
        return [];
      } catch (error) {
        return [(error as Error).message];
      }
    });
    if (problems.length > 0) throw new Error(problems.join('\n'));
  }

  #runOne(command: Command): void {
    try {
      if (command.kind === 'clear') {
        this.#runtime.fill(this.#place(command.operand), 0, bytesOf(command.operand));
      } else if (command.kind === 'copy') this.#copy(command.from, command.to);
      else if (command.kind === 'product') this.#multiply(command);
      else if (command.kind === 'kernel') {
        this.#keeping(command.arguments, () => {
          launchOnHost(command.kernel, { ...command, parameters: parametersOf(command.arguments, this.addressOf) });
        });
      } else {
        const { bytes, parameters } = tableOf(command, this.addressOf);
        const { kernel, blocks, entries } = command;
        this.#runtime.write(this.addressOf(command.table), bytes);
        this.#keeping(entries.flat(), () => {
          const many = { ...kernel, name: `${kernel.name}Many` };
          launchOnHost(many, { ...command, blocks: blocks * entries.length, parameters });
        });
      }
    } catch (cause) {
      const what = 'kernel' in command ? `${command.kernel.file}/${command.kernel.name}` : command.kind;
      throw new Error(`${command.node}, ${what}: ${(cause as Error).message}`, { cause });
    }
  }

  #copy(from: Operand, to: Operand): void {
    const [bytes, room] = [bytesOf(from), bytesOf(to)];
    if (bytes !== room) throw new Error(`${bytes} bytes are copied to ${room}.`);
    this.#runtime.copy(this.#place(to), this.#place(from), bytes);
  }

  #multiply({ product, a, b, c, addend, bias }: ProductCommand): void {
    const stored = { a: [product.a.storage, a], b: [product.b.storage, b], c: [product.c.storage, c] } as const;
    for (const [name, [storage, operand]] of Object.entries(stored)) {
      if (storage !== operand.storage) throw new Error(`${name} is stored as ${operand.storage}, not ${storage}.`);
    }
    if (addend && addend.storage !== c.storage) throw new Error(`its addend is stored as ${addend.storage}, not as c.`);
    if (bias?.storage !== product.bias) throw new Error(`its bias is stored as ${bias?.storage}, not ${product.bias}.`);
    multiplyOnHost(product, {
      a: this.#place(a),
      b: this.#place(b),
      c: this.#place(c),
      ...(addend ? { addend: this.#place(addend) } : {}),
      ...(bias ? { bias: this.#place(bias) } : {}),
    });
  }

  /** Where a region lies; memory is made and constants are written on first use. */
  readonly addressOf = (region: Region): Address => {
    const offset = this.#arena?.offsets.get(region);
    if (this.#arena && offset !== undefined) {
      this.#arenaAddress ??= this.#runtime.allocate(this.#arena.bytes);
      return this.#arenaAddress + BigInt(offset);
    }
    if (this.#arena && region.kind === 'arena') throw new Error(`the plan gives "${region.label}" no place.`);
    const known = this.#addresses.get(region);
    if (known !== undefined) return known;
    const address = this.#runtime.allocate(region.bytes);
    this.#addresses.set(region, address);
    if (region.data) this.#runtime.write(address, region.data);
    return address;
  };

  #place(operand: Operand): Address {
    const { region, offset } = operand;
    if (offset < 0 || offset + bytesOf(operand) > region.bytes) {
      const end = offset + bytesOf(operand);
      throw new Error(`[${operand.shape}] in ${operand.storage} takes bytes ${offset} to ${end} of ${region.bytes}.`);
    }
    return this.addressOf(region) + BigInt(offset);
  }

  /** Runs a launch; what it only reads must be what it was, unless it lies where the launch may write. */
  #keeping(list: readonly Argument[], launch: () => void): void {
    const pointers = list.flatMap((argument) =>
      argument.type === 'pointer' && argument.operand
        ? [{ operand: argument.operand, start: this.#place(argument.operand), access: argument.access }]
        : [],
    );
    if (!this.#isStrict) {
      launch();
      return;
    }
    const written = pointers.filter(({ access }) => access !== 'read');
    const isWritten = (start: Address, { operand }: { operand: Operand }) =>
      written.some(
        (other) =>
          start < other.start + BigInt(bytesOf(other.operand)) && other.start < start + BigInt(bytesOf(operand)),
      );
    const kept = pointers
      .filter((each) => each.access === 'read' && !isWritten(each.start, each))
      .map(({ operand }) => ({ operand, before: this.readBytes(operand) }));
    launch();
    for (const { operand, before } of kept) {
      if (Buffer.compare(before, this.readBytes(operand)) !== 0) {
        throw new Error(`it writes "${operand.region.label}", which its arguments say it only reads.`);
      }
    }
  }
}

function bytesOf({ shape, storage }: Operand): number {
  return sizeOf(shape) * bytesPerNumber(storage);
}
