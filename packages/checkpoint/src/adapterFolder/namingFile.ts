import { isPeftError, PeftError } from '@peft/core';

/** What `read` gives; a refusal of a part that knows nothing of files says which folder was read. */
export function namingFile<T>(folder: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!isPeftError(cause)) throw cause;
    throw new PeftError(cause.code, `${folder}: ${cause.message}`, { cause });
  }
}
