import { PeftError } from '@peft/core';
import type { CallOptions } from './adapterSet.ts';

const known = ['adapters', 'rows'];

/** Refuses options that would have no effect, or two that contradict each other. Throws `adapters/call`. */
export function checkCallOptions(options: CallOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new PeftError(
      'adapters/call',
      `adapterSet: the options of a call are ${JSON.stringify(options)}; pass a record, as { adapters: 'name' }, or leave them out.`,
    );
  }
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const names = unknown.map((name) => `"${name}"`).join(', ');
    throw new PeftError(
      'adapters/call',
      `adapterSet: ${names} ${unknown.length === 1 ? 'is no option' : 'are no options'} of a call; the options are ${known.join(', ')}.`,
    );
  }
  if (options.rows !== undefined && !Array.isArray(options.rows)) {
    throw new PeftError('adapters/call', 'adapterSet: rows is no list; pass one choice for each row of the batch.');
  }
  if (options.rows !== undefined && options.adapters !== undefined) {
    throw new PeftError('adapters/call', 'adapterSet: a call gives both adapters and rows; give one of them.');
  }
}

/** Refuses options of a merge that mean nothing. Throws `adapters/call`. */
export function checkMergeOptions(options: { readonly safe?: boolean }): void {
  const isRecord = typeof options === 'object' && options !== null;
  const isKnown = isRecord && Object.keys(options).every((name) => name === 'safe');
  if (isKnown && (options.safe === undefined || typeof options.safe === 'boolean')) return;
  throw new PeftError(
    'adapters/call',
    `adapterSet: the options of merge are ${JSON.stringify(options)}; pass { safe: true } or { safe: false }, or leave them out.`,
  );
}
