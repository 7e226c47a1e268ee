import type { Command } from '../../src/plan/command.ts';

/** Commands as texts: products as `2 a b + addend + bias`, launches by their kernels. */
export function describeCommands(commands: readonly Command[]): readonly string[] {
  return commands.map((command) => {
    if (command.kind === 'product') {
      const { alpha } = command.product;
      const scale = alpha === 1 ? '' : `${alpha} `;
      return `${scale}a b${command.addend ? ' + addend' : ''}${command.bias ? ' + bias' : ''}`;
    }
    if (command.kind === 'kernel') return command.kernel.name;
    return command.kind === 'many' ? `${command.entries.length} of ${command.kernel.name}` : command.kind;
  });
}
