import type { HostTensor, Node } from '@peft/graph';
import { CommandEmitter } from '../../src/lowering/commandEmitter.ts';
import { cudaRowOf } from '../../src/lowering/cudaTable.ts';
import type { Command } from '../../src/plan/command.ts';
import type { Operand } from '../../src/plan/operand.ts';
import type { Storage } from '../../src/plan/storage.ts';
import { HostExecutor } from '../simulator/hostExecutor.ts';
import { simulatedDescription } from '../simulator/simulatedDescription.ts';

export interface LoweredRow {
  readonly commands: readonly Command[];
  readonly inputs: readonly Operand[];
  readonly outputs: readonly Operand[];
}

/** A node as its commands, floats in one storage. */
export function lowerRow(node: Node, float: Storage = 'f32'): LoweredRow {
  const emit = new CommandEmitter({ device: simulatedDescription, precision: 'float32', hasProductLibrary: true });
  emit.begin(node.op);
  const operand = (kind: 'input' | 'arena') => (type: Node['inputs'][number], place: number) => {
    const storage = type.dtype === 'int32' ? 'i32' : type.dtype === 'bool' ? 'u8' : float;
    return emit.allocate(type, { storage, kind, label: `${kind} ${place}` });
  };
  const [inputs, outputs] = [node.inputs.map(operand('input')), node.outputs.map(operand('arena'))];
  cudaRowOf(node.op).lower({ inputs, attributes: node.attributes as never, outputs, emit });
  return { commands: emit.commands, inputs, outputs };
}

/** The outputs of a node, for cases that its reference leaves open. */
export function runRow(node: Node, inputs: readonly HostTensor[], float: Storage = 'f32'): readonly number[][] {
  const { commands, inputs: given, outputs } = lowerRow(node, float);
  const executor = new HostExecutor({ isStrict: true });
  for (const [place, operand] of given.entries()) executor.write(operand, (inputs[place] as HostTensor).data);
  executor.run(commands);
  const results = outputs.map((output) => Array.from(executor.read(output)));
  executor.close();
  return results;
}
