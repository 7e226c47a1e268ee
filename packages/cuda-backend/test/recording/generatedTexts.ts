import { toyTransformers } from '@peft/engines';
import { recordedEngine } from './recordedEngine.ts';
import { trainRecorded } from './trainRecorded.ts';

/** The kernels that are generated when every toy model trains, in both precisions that have their own, by their file. */
export async function generatedTexts(): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const precision of ['bf16', 'float32'] as const) {
    for (const name of Object.keys(toyTransformers)) {
      const recorded = recordedEngine({ precision, fuses: true });
      await trainRecorded(name, recorded);
      for (const [file, text] of recorded.generated) texts.set(file, text);
    }
  }
  return texts;
}
