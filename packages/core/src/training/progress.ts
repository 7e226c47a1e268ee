import type { TrainEvent } from './events.ts';

/** Where progress goes: a terminal gets one line redrawn in place, anything else about twenty plain lines. */
export type ProgressOutput = {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
};

/** A listener that draws a run's progress. */
export function progressReporter(output: ProgressOutput, now: () => number = () => performance.now()) {
  let began = now();
  let firstStep = 0;
  let nextPercent = 0;
  let drawn = false;
  const line = (text: string) => {
    if (drawn) output.write('\r\x1b[K');
    drawn = false;
    output.write(`${text}\n`);
  };
  return (event: TrainEvent): void => {
    switch (event.type) {
      case 'start':
        began = now();
        firstStep = event.step;
        line(
          `training ${event.trainable} parameters on ${event.targets} targets, steps ${event.step} to ${event.totalSteps}`,
        );
        return;
      case 'step': {
        const done = event.step / event.totalSteps;
        const perStep = (now() - began) / 1000 / Math.max(1, event.step - firstStep);
        const text = `step ${event.step}/${event.totalSteps}  loss ${event.loss.toFixed(4)}  ${(perStep * 1000).toFixed(0)} ms/step  ${clock(perStep * (event.totalSteps - event.step))} left`;
        if (output.isTTY) {
          output.write(`\r\x1b[K${bar(done, Math.max(10, (output.columns ?? 80) - text.length - 4))} ${text}`);
          drawn = true;
        } else if (done * 100 >= nextPercent) {
          line(text);
          nextPercent = Math.floor(done * 20) * 5 + 5;
        }
        return;
      }
      case 'evaluation': {
        const metrics = Object.entries(event.metrics).map(([name, value]) => `  ${name} ${value.toFixed(4)}`);
        line(
          `evaluation at step ${event.step}: loss ${event.loss.toFixed(4)}${metrics.join('')}${event.isBest ? '  (best)' : ''}`,
        );
        return;
      }
      case 'effect':
        if (event.effect === 'merge') line(`step ${event.step}: merged a link into ${event.targets.length} targets`);
        return;
      case 'end':
        line(`stopped after step ${event.step}: ${event.reason}`);
        return;
      default:
        return;
    }
  };
}

function bar(done: number, width: number): string {
  const filled = Math.round(done * width);
  return `[${'='.repeat(filled)}${' '.repeat(width - filled)}]`;
}

function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
