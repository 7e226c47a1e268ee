import type { TrainedAdapter } from '../trainedAdapter.ts';
import type { FineTuneOptions } from './fineTune.ts';

/** What the file of the adapter that a run began from says: as that adapter is given, else as the save holds it. */
export function fileConfigOf({ from, resume }: Pick<FineTuneOptions, 'from' | 'resume'>): TrainedAdapter['fileConfig'] {
  return from?.fileConfig ?? (resume?.fileConfig === undefined ? undefined : JSON.parse(resume.fileConfig));
}
