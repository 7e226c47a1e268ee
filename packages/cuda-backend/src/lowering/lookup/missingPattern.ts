import type { Operand } from '../../plan/operand.ts';
import { storedPattern } from '../layout/storedPattern.ts';

/** What an id that is no row reads: NaN, so that the step is refused as any that is not finite; 0 among integers. */
export function missingPattern({ dtype, storage }: Operand): number {
  return storedPattern(dtype === 'float32' ? Number.NaN : 0, storage);
}
