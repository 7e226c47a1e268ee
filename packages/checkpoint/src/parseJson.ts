import { PeftError } from '@peft/core';
import { duplicateKeys } from './duplicateKeys.ts';
import { problemList, quoted } from './problemList.ts';

/**
 * The object that UTF-8 JSON bytes hold. `what` names them in messages (`model.safetensors: the header`).
 * Throws `checkpoint/json` (not UTF-8, not JSON, not an object) and `checkpoint/duplicate-key`.
 */
export function parseJson(what: string, bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const text = decode(what, bytes);
  const value = parse(what, text);
  if (!isRecord(value)) {
    throw new PeftError(
      'checkpoint/json',
      `${what} is ${kindOf(value)}, and a JSON object is expected; the file is damaged or is another file, fetch or write it again.`,
    );
  }
  const duplicates = duplicateKeys(text);
  if (duplicates.length > 0) {
    throw new PeftError(
      'checkpoint/duplicate-key',
      `${what} gives ${duplicates.length === 1 ? 'a key' : `${duplicates.length} keys`} twice, so readers may disagree on its content; write the file again:${problemList(duplicates.map((path) => path.map(quoted).join(' > ')))}`,
    );
  }
  return value;
}

/** True for what JSON calls an object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The kind of a JSON value, in words for messages. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'absent';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
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
