import type { TimerTicks } from '../worker/timerTicks.ts';
import { measureCommand } from './measureCommand.ts';

export const eventLoopCommand = measureCommand({
  id: 'eventloop',
  title: 'how many ticks a timer of 1 ms keeps while steps run',
  defaults: ['--model', 'bert-base'],
  async measure({ ask }) {
    const ticks = await ask<TimerTicks>('timerTicks');
    const { atRest, inSteps, stepMs } = ticks;
    const kept = inSteps / atRest;
    return {
      value: kept,
      said: `${(100 * kept).toFixed(0)} % of its ticks kept (${inSteps.toFixed(2)} a millisecond in steps of ${stepMs.toFixed(0)} ms, ${atRest.toFixed(2)} at rest)`,
      details: ticks,
    };
  },
});
