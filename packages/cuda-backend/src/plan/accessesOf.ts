import type { Argument, Command } from './command.ts';
import { type Operand, spanOf } from './operand.ts';
import type { Region } from './region.ts';

/** Bytes of a region that a command reads, writes or both. */
export interface Access {
  readonly region: Region;
  readonly begin: number;
  readonly end: number;
  readonly isRead: boolean;
  readonly isWrite: boolean;
  /** Which of the launches of a `many`; 0 for other commands. */
  readonly entry: number;
}

/** All memory that a command touches. */
export function accessesOf(command: Command): readonly Access[] {
  switch (command.kind) {
    case 'kernel':
      return ofArguments(command.arguments, 0);
    case 'many':
      return [wholeTable(command.table), ...command.entries.flatMap(ofArguments)];
    case 'product': {
      const { a, b, c, addend, bias, product } = command;
      const read = [a, b, addend, bias].flatMap((each) => (each ? [access(each, 'read')] : []));
      return [...read, access(c, product.accumulate && !addend ? 'update' : 'write')];
    }
    case 'clear':
      return [access(command.operand, 'write')];
    case 'copy':
      return [access(command.from, 'read'), access(command.to, 'write')];
  }
}

function ofArguments(list: readonly Argument[], entry: number): readonly Access[] {
  return list.flatMap((argument) =>
    argument.type === 'pointer' && argument.operand ? [access(argument.operand, argument.access, entry)] : [],
  );
}

function access(operand: Operand, how: 'read' | 'write' | 'update', entry = 0): Access {
  const { region, offset } = operand;
  return {
    region,
    begin: offset,
    end: offset + spanOf(operand),
    isRead: how !== 'write',
    isWrite: how !== 'read',
    entry,
  };
}

function wholeTable(region: Region): Access {
  return { region, begin: 0, end: region.bytes, isRead: true, isWrite: false, entry: 0 };
}
