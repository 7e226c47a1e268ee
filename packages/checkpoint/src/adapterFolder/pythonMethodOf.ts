import { PeftError } from '@peft/core';
import { quoted } from '../problemList.ts';
import { type PythonMethod, pythonMethods } from './pythonMethods.ts';

/** Names and settings of a method; throws `checkpoint/peft-type` for one whose names are not known. */
export function pythonMethodOf(peftType: string): PythonMethod {
  const method = pythonMethods.get(peftType);
  if (method) return method;
  throw new PeftError(
    'checkpoint/peft-type',
    `the names of Python PEFT's ${quoted(peftType)} files are not known here; those of ${[...pythonMethods.keys()].join(', ')} are.`,
  );
}
