import { isPeftError, PeftError } from '@peft/core';

const untouched = 'nothing was saved and what was there before is untouched';

/** Runs one file operation; its failure becomes a PeftError that says what was lost (nothing) and what to do. */
export async function attempt<T>(action: string, operation: () => Promise<T>, outcome: string = untouched): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    throw isPeftError(cause) ? cause : writeError(action, cause, outcome);
  }
}

/** `checkpoint/disk-full`, `checkpoint/not-writable` or `checkpoint/write-failed`, by the system's error code. */
function writeError(action: string, cause: unknown, outcome: string): PeftError {
  const code = systemCode(cause);
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new PeftError(
        'checkpoint/disk-full',
        `${action} failed because the disk is full or its quota is used up (${code}); ${outcome}; free some space and save again.`,
        { cause },
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new PeftError(
        'checkpoint/not-writable',
        `${action} failed because this user may not write there (${code}); ${outcome}; change the permissions or save elsewhere.`,
        { cause },
      );
    default:
      return new PeftError(
        'checkpoint/write-failed',
        `${action} failed (${code ?? (cause instanceof Error ? cause.message : String(cause))}); ${outcome}; save again, or elsewhere if it fails again.`,
        { cause },
      );
  }
}

/** The system's code of a failed file operation, `ENOENT` for example. */
export function systemCode(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
