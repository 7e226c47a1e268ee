import { accessesOf } from './accessesOf.ts';
import { type Command, type KernelCommand, type ManyCommand, structBytes } from './command.ts';
import { dependencies } from './dependencies.ts';

/** Launches that touch more bytes than this stay where they are: waiting for others, they would hold memory. */
export const mostGroupedBytes = 4 * 2 ** 20;

type Launch = KernelCommand & { readonly node: string };

/**
 * The same work in fewer launches: a small launch waits until somebody needs it, and then takes along all launches of the
 * same kernel that could run by then.
 */
export function groupLaunches(commands: readonly Command[]): readonly Command[] {
  const queue = new LaunchQueue(commands);
  queue.runLarge();
  queue.runRest();
  return queue.order;
}

class LaunchQueue {
  readonly order: Command[] = [];
  readonly #commands: readonly Command[];
  readonly #needed: readonly ReadonlySet<number>[];
  readonly #users: readonly number[][];
  readonly #keys: readonly (string | undefined)[];
  /** Launches that have not run, by what they must have in common to be one. */
  readonly #waiting = new Map<string, Set<number>>();
  readonly #done = new Set<number>();
  readonly #gathering = new Set<string>();

  constructor(commands: readonly Command[]) {
    this.#commands = commands;
    this.#needed = dependencies(commands);
    this.#users = commands.map(() => []);
    for (const [index, each] of this.#needed.entries()) for (const source of each) this.#users[source]?.push(index);
    this.#keys = commands.map(keyOf);
    for (const [index, key] of this.#keys.entries()) {
      if (key) this.#waiting.set(key, (this.#waiting.get(key) ?? new Set()).add(index));
    }
  }

  /** Everything that waits for nobody, and what that needs. */
  runLarge(): void {
    for (const [index, key] of this.#keys.entries()) if (!key) this.#run(index);
  }

  /** The small launches that nobody large needed; by now each can first wait for all others of its kernel. */
  runRest(): void {
    for (const index of this.#commands.keys()) this.#runLast(index);
  }

  #run(index: number): void {
    if (this.#done.has(index)) return;
    for (const each of this.#needed[index] ?? []) this.#run(each);
    const waiting = this.#waiting.get(this.#keys[index] ?? '');
    const group = waiting ? [...waiting].filter((each) => this.#isReady(each)) : [index];
    for (const each of group) {
      this.#done.add(each);
      waiting?.delete(each);
    }
    const launches = group.map((each) => this.#commands[each] as Command);
    this.order.push(launches.length === 1 ? (launches[0] as Command) : asOne(launches as readonly Launch[]));
  }

  #runLast(index: number): void {
    const key = this.#keys[index];
    if (this.#done.has(index) || !key) return;
    for (const each of this.#needed[index] ?? []) this.#runLast(each);
    if (!this.#gathering.has(key)) {
      this.#gathering.add(key);
      const after = this.#after(index);
      for (const other of this.#waiting.get(key) ?? []) {
        if (!after.has(other)) for (const each of this.#needed[other] ?? []) this.#runLast(each);
      }
      this.#gathering.delete(key);
    }
    this.#run(index);
  }

  #isReady(index: number): boolean {
    for (const each of this.#needed[index] ?? []) if (!this.#done.has(each)) return false;
    return true;
  }

  /** What needs a launch, directly or not. */
  #after(index: number): ReadonlySet<number> {
    const found = new Set<number>([index]);
    for (const each of found) for (const user of this.#users[each] ?? []) found.add(user);
    return found;
  }
}

/** What launches must have in common to be one; undefined for what is no small launch. */
function keyOf(command: Command): string | undefined {
  if (command.kind !== 'kernel') return undefined;
  const bytes = accessesOf(command).reduce((sum, { begin, end }) => sum + end - begin, 0);
  if (bytes > mostGroupedBytes) return undefined;
  const { kernel, blocks, threads, sharedBytes = 0, isStrided } = command;
  // Blocks that find nothing to do cost little, but not nothing.
  const size = isStrided ? `~${Math.ceil(Math.log2(blocks) / 2)}` : blocks;
  return `${kernel.file} ${kernel.name} ${size} ${threads} ${sharedBytes}`;
}

function asOne(launches: readonly Launch[]): Command {
  const { kernel, threads, sharedBytes } = launches[0] as Launch;
  const entries = launches.map((launch) => launch.arguments);
  const bytes = entries.reduce((sum, list) => sum + structBytes(list), 0);
  const many: ManyCommand = {
    kind: 'many',
    kernel,
    threads,
    ...(sharedBytes ? { sharedBytes } : {}),
    blocks: Math.max(...launches.map(({ blocks }) => blocks)),
    entries,
    table: { kind: 'constant', bytes, label: `${kernel.name}, table of ${entries.length}` },
  };
  return { ...many, node: `${launches[0]?.node} and ${launches.length - 1} like it` };
}
