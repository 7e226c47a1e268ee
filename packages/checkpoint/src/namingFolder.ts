import { isPeftError, PeftError } from '@peft/core';

/** What `read` gives; a refusal of a part that knows nothing of files says which folder was read. */
export async function namingFolder<T>(folder: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (!isPeftError(cause) || cause.message.includes(folder)) throw cause;
    throw new PeftError(cause.code, `${folder}: ${cause.message}`, { cause });
  }
}
