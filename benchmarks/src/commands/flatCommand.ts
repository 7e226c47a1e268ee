import { slopeOf } from '../contest/slopeOf.ts';
import type { MemorySample } from '../worker/memoryOverRun.ts';
import { measureCommand } from './measureCommand.ts';

/** Half of the run: engines keep a few sessions of former links at hand, and memory settles only once those are full. */
const warmUpSteps = 1000;

export const flatCommand = measureCommand({
  id: 'flat',
  title: 'tensors, native handles and memory over 2,000 steps and 20 knots',
  defaults: ['--model', 'bert-tiny', '--batch', '2', '--seq', '16'],
  async measure({ ask }) {
    const { samples } = await ask<{ samples: readonly MemorySample[] }>('memory');
    const late = samples.filter(({ step }) => step > warmUpSteps);
    const slope = slopeOf(late.map(({ step, residentBytes }) => [step, residentBytes / 1024]));
    const range = (name: 'tensors' | 'handles') => {
      const counts = late.map((sample) => sample[name]);
      const [low, high] = [Math.min(...counts), Math.max(...counts)];
      return { isFlat: low === high, said: low === high ? `${low}` : `${low} to ${high}` };
    };
    const [tensors, handles] = [range('tensors'), range('handles')];
    // Tensors or handles that grow are no figure of kilobytes: they fail by themselves.
    const areFlat = tensors.isFlat && handles.isFlat;
    return {
      value: areFlat ? slope : Number.MAX_VALUE,
      said: `${slope.toFixed(2)} KB a step of resident memory after ${warmUpSteps} steps; tensors ${tensors.said}, native handles ${handles.said}`,
      details: { samples, kilobytesPerStep: slope, tensorsAreFlat: tensors.isFlat, handlesAreFlat: handles.isFlat },
    };
  },
});
