import { kindOf, PeftError } from '@peft/core';
import { depthOfJson } from './depthOfJson.ts';
import { duplicateKeys } from './duplicateKeys.ts';
import { problemList, quoted } from './problemList.ts';

// No file of ours or of Python's comes near; what walks a value by recursion is safe below.
const deepest = 100;

/**
 * The object that UTF-8 JSON bytes hold. `what` names them in messages (`model.safetensors: the header`).
 * Throws `checkpoint/json` (not UTF-8, not JSON, not an object, nested over 100 deep) and `checkpoint/duplicate-key`.
 */
export function parseJson(what: string, bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const text = decode(what, bytes);
  const depth = depthOfJson(text);
  if (depth > deepest) {
    throw new PeftError(
      'checkpoint/json',
      `${what} nests brackets ${depth} deep, and ${deepest} is the most that is read; the file is damaged or is another file, fetch or write it again.`,
    );
  }
  const value = parse(what, text);
  if (!isRecord(value)) {
    throw new PeftError(
      'checkpoint/json',
      `${what} is ${kindOf(value)}, and a JSON object is expected; the file is damaged or is another file, fetch or write it again.`,
    );
  }
  const { count, paths } = duplicateKeys(text);
  if (count > 0) {
    throw new PeftError(
      'checkpoint/duplicate-key',
      `${what} gives ${count === 1 ? 'a key' : `${count} keys`} twice, so readers may disagree on its content; write the file again:${problemList(
        paths.map((path) => path.map(quoted).join(' > ')),
        { count },
      )}`,
    );
  }
  return value;
}

/** True for what JSON calls an object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function decode(what: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new PeftError(
      'checkpoint/json',
      `${what} is not UTF-8 text; the file is damaged or is another file, fetch or write it again.`,
      { cause },
    );
  }
}

function parse(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.slice(0, 200) : String(cause);
    throw new PeftError(
      'checkpoint/json',
      `${what} is not JSON (${reason}); the file is damaged or is another file, fetch or write it again.`,
      { cause },
    );
  }
}
