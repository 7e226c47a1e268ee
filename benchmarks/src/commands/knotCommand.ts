import type { KnotTimes } from '../worker/knotTimes.ts';
import { measureCommand } from './measureCommand.ts';

export const knotCommand = measureCommand({
  id: 'knot',
  title: 'what a knot of a chain costs, in steps',
  defaults: ['--model', 'bert-base', '--method', 'cola'],
  async measure({ ask }) {
    const times = await ask<KnotTimes>('knotTimes');
    const { knotMs, stepMs, knots } = times;
    return {
      value: knotMs / stepMs,
      said: `a knot adds ${knotMs.toFixed(0)} ms, ${(knotMs / stepMs).toFixed(2)} of a step of ${stepMs.toFixed(0)} ms (median of ${knots.length})`,
      details: times,
    };
  },
});
