import { type Operand, spanOf } from '../plan/operand.ts';
import type { PlannedResult } from '../plan/plan.ts';
import type { Storage } from '../plan/storage.ts';
import type { CommandEmitter } from './commandEmitter.ts';
import { convertCommand } from './convertCommand.ts';

const kinds = { 'state/': 'state', 'metrics/': 'metric', 'outputs/': 'output' } as const;

/** Brings a result to where a program looks for it. */
export function lowerResult(name: string, operand: Operand, emit: CommandEmitter): PlannedResult {
  const prefix = Object.keys(kinds).find((each) => name.startsWith(each)) as keyof typeof kinds | undefined;
  const kind = prefix ? kinds[prefix] : 'output';
  const { shape, dtype } = operand;
  emit.begin(`output "${name}"`);
  const storage: Storage = dtype === 'int32' ? 'i32' : dtype === 'bool' ? 'u8' : 'f32';
  const result = (found: Operand): PlannedResult => ({
    kind,
    path: name.slice((prefix ?? '').length),
    shape,
    dtype,
    operand: found,
  });
  const { region } = operand;
  // A part of a larger result is a result of its own.
  const isWhole = region.kind === 'result' && region.bytes === spanOf(operand);
  const isThere = kind === 'state' ? region.kind !== 'state' : isWhole;
  if (isThere && operand.storage === storage) return result(operand);
  const made = emit.allocate(operand, {
    storage,
    kind: kind === 'state' ? 'arena' : 'result',
    label: `output "${name}"`,
  });
  if (operand.storage === storage) emit.copy(operand, made);
  else emit.kernel(convertCommand(operand, made, emit.device));
  return result(made);
}
