import { accessesOf } from './accessesOf.ts';
import { type Command, type KernelCommand, type ManyCommand, structBytes } from './command.ts';
import { dependencies } from './dependencies.ts';

/** Launches that touch more bytes than this stay where they are: waiting for others, they would hold memory. */
const mostBytes = 4 * 2 ** 20;

type Launch = KernelCommand & { readonly node: string };

/**
 * The same work in fewer launches: a small launch waits until somebody needs it, and then takes along all launches of the
 * same kernel that could run by then.
 */
export function groupLaunches(commands: readonly Command[]): readonly Command[] {
  const needed = dependencies(commands);
  const keys = commands.map(keyOf);
  const members = new Map<string, number[]>();
  for (const [index, key] of keys.entries()) if (key) members.set(key, [...(members.get(key) ?? []), index]);
  const order: Command[] = [];
  const done = new Set<number>();
  const isReady = (index: number) => [...(needed[index] ?? [])].every((each) => done.has(each));
  const run = (index: number) => {
    for (const each of needed[index] ?? []) if (!done.has(each)) run(each);
    const key = keys[index];
    const group = key ? (members.get(key) ?? []).filter((each) => !done.has(each) && isReady(each)) : [index];
    for (const each of group) done.add(each);
    if (key)
      members.set(
        key,
        (members.get(key) ?? []).filter((each) => !done.has(each)),
      );
    const launches = group.map((each) => commands[each] as Command);
    order.push(launches.length === 1 ? (launches[0] as Command) : asOne(launches as readonly Launch[]));
  };
  for (const [index, key] of keys.entries()) if (!key && !done.has(index)) run(index);
  for (const index of keys.keys()) if (!done.has(index)) run(index);
  return order;
}

/** What launches must have in common to be one; undefined for what is no small launch. */
function keyOf(command: Command): string | undefined {
  if (command.kind !== 'kernel') return undefined;
  const bytes = accessesOf(command).reduce((sum, { begin, end }) => sum + end - begin, 0);
  if (bytes > mostBytes) return undefined;
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
