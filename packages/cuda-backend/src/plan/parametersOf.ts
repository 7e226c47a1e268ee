import type { Address } from '../device/driver.ts';
import { type Field, type ParameterBlock, parameterBlock } from '../device/parameterBlock.ts';
import type { Argument, ManyCommand } from './command.ts';
import type { Region } from './region.ts';

/** Where each region lies. */
export type AddressOf = (region: Region) => Address;

/** The parameter struct of a launch. */
export function parametersOf(list: readonly Argument[], addressOf: AddressOf): ParameterBlock {
  return parameterBlock(list.map((argument) => fieldOf(argument, addressOf)));
}

/** What the table of a launch of several holds, and the struct that the launch is given. */
export function tableOf(
  { entries, blocks, table }: ManyCommand,
  addressOf: AddressOf,
): { readonly bytes: Uint8Array; readonly parameters: ParameterBlock } {
  const structs = entries.map((list) => parametersOf(list, addressOf).bytes);
  const bytes = new Uint8Array(structs.reduce((sum, { length }) => sum + length, 0));
  let place = 0;
  for (const struct of structs) {
    bytes.set(struct, place);
    place += struct.length;
  }
  const parameters = parameterBlock([
    { type: 'pointer', value: addressOf(table) },
    { type: 'u32', value: blocks },
  ]);
  return { bytes, parameters };
}

function fieldOf(argument: Argument, addressOf: AddressOf): Field {
  if (argument.type !== 'pointer') return argument;
  const { operand } = argument;
  return { type: 'pointer', value: operand ? addressOf(operand.region) + BigInt(operand.offset) : 0n };
}
