import { isPeftError } from '@peft/ops';
import { toyModel } from '../src/testing/toyModel.ts';
import { fineTune } from '../src/training/fineTune.ts';
import { toyOptions } from './toyRun.ts';

/** A wrong call, whose arguments the types would often refuse, and all that it says: `code: message`. */
export type WrongCall = readonly [what: string, call: () => unknown, says: string];

/** A call that trains the toy model with these options in place of sound ones. */
export const trainWith = (changes: Readonly<Record<string, unknown>>) => () =>
  fineTune(toyModel(), { ...toyOptions(), ...changes } as never).result;

/** What a call is refused with: `code: message`. */
export async function refusal(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    if (isPeftError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no error';
}
