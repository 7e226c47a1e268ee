import { describe, expect, it } from 'vitest';
import type { TrainEvent } from './events.ts';
import { progressReporter } from './progress.ts';

const step = (at: number, totalSteps: number): TrainEvent => ({
  type: 'step',
  step: at,
  totalSteps,
  epoch: 0,
  loss: 1 / at,
  penalty: 0,
  gradientNorm: 1,
  learningRates: [0.1],
  seconds: 0.5,
});

const started: TrainEvent = { type: 'start', step: 0, totalSteps: 4, trainable: 1234, targets: 2 };
const evaluated: TrainEvent = { type: 'evaluation', step: 2, loss: 0.25, metrics: { accuracy: 0.5 }, isBest: true };
const merged: TrainEvent = { type: 'effect', step: 2, effect: 'merge', targets: ['a', 'b'] };
const restarted: TrainEvent = { type: 'effect', step: 2, effect: 'restart', targets: ['a', 'b'] };
const ended: TrainEvent = { type: 'end', step: 4, reason: 'finished' };

/** What is written when every event comes half a second after the one before. */
function written(events: readonly TrainEvent[], output: { isTTY?: boolean; columns?: number } = {}): string {
  let text = '';
  let milliseconds = -500;
  const now = () => {
    milliseconds += 500;
    return milliseconds;
  };
  const report = progressReporter({ ...output, write: (part: string) => (text += part) }, now);
  for (const event of events) report(event);
  return text;
}

describe('progress', () => {
  it('is plain lines where there is no terminal', () => {
    const events = [started, step(1, 4), merged, restarted, step(2, 4), evaluated, step(3, 4), step(4, 4), ended];
    expect(written(events)).toBe(
      [
        'training 1234 parameters on 2 targets, steps 0 to 4',
        'step 1/4  loss 1.0000  500 ms/step  2 s left',
        'step 2: merged a link into 2 targets',
        'step 2/4  loss 0.5000  500 ms/step  1 s left',
        'evaluation at step 2: loss 0.2500  accuracy 0.5000  (best)',
        'step 3/4  loss 0.3333  500 ms/step  1 s left',
        'step 4/4  loss 0.2500  500 ms/step  0 s left',
        'stopped after step 4: finished',
        '',
      ].join('\n'),
    );
  });

  it('is about twenty lines of a long run', () => {
    const lines = written(Array.from({ length: 1000 }, (_, i) => step(i + 1, 1000))).split('\n').length;
    expect(lines).toBeGreaterThanOrEqual(20);
    expect(lines).toBeLessThanOrEqual(23);
  });

  it('is one line redrawn on a terminal, cleared before other lines', () => {
    expect(written([started, step(1, 4), evaluated, step(300, 400)], { isTTY: true, columns: 70 })).toBe(
      [
        'training 1234 parameters on 2 targets, steps 0 to 4\n',
        '\r\x1b[K[======                ] step 1/4  loss 1.0000  500 ms/step  2 s left',
        '\r\x1b[Kevaluation at step 2: loss 0.2500  accuracy 0.5000  (best)\n',
        '\r\x1b[K[===============     ] step 300/400  loss 0.0033  3 ms/step  0 s left',
      ].join(''),
    );
  });
});
