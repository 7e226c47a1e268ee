import { eagerEngine, type TrainEvent, type TrainingState } from '@peft/core';
import { requireClose, requireSameSnapshot } from '@peft/core/testing';
import { agreementCases, type Trained, trained, watchGaps } from '@peft/engines';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { onnxEngine } from '../../src/index.ts';

const engine = onnxEngine();
const tolerance = 1e-5;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const lastOf = ({ states }: Trained) => states.at(-1) as TrainingState;
/** What happened, without the figures. */
const plotOf = ({ events }: Trained) =>
  events.map((event) => [
    event.type,
    event.step,
    event.type === 'effect' && event.effect,
    'isBest' in event && event.isBest,
  ]);
const figuresOf = ({ events }: Trained) =>
  events.flatMap((event: TrainEvent) => {
    if (event.type === 'evaluation') return [event.loss];
    return event.type === 'step' ? [event.loss, event.penalty, ...event.learningRates] : [];
  });

describe('50 steps compiled are 50 steps eager, parameters, moments and state of the strategy', () => {
  it.each(Object.entries(agreementCases))('%s', async (_, one) => {
    const gaps: number[] = [];
    const eager = await trained(one, eagerEngine(), { watch: watchGaps((gap) => gaps.push(gap)) });
    const compiled = await trained(one, engine);
    // A flipped mask is no rounding error.
    for (const gap of gaps) expect(gap).toBeGreaterThan(1e-4);
    expect(plotOf(compiled)).toEqual(plotOf(eager));
    requireClose(figuresOf(compiled), figuresOf(eager), { what: 'losses', tolerance });
    requireSameSnapshot(lastOf(compiled).tensors, lastOf(eager).tensors, { what: 'at the end', tolerance });
    expect(compiled.result.step).toBe(eager.result.step);
    expect(compiled.result.reason).toBe(eager.result.reason);

    const again = await trained(one, onnxEngine());
    expect(figuresOf(again)).toEqual(figuresOf(compiled));
    requireSameSnapshot(lastOf(again).tensors, lastOf(compiled).tensors, { what: 'on a repeat' });
  });

  it('covers pruning, compaction, knots and early stopping', async () => {
    const effects = async (name: string) => {
      const { events } = await trained(agreementCases[name] as never, engine);
      return new Set(events.flatMap((event) => (event.type === 'effect' ? [event.effect] : [])));
    };
    expect(await effects('AdaLoRA through its phases')).toEqual(new Set(['select']));
    expect(await effects('AdaLoRA beside a chain of DoRA and a LoRA')).toEqual(new Set(['select', 'merge', 'restart']));
    const { result } = await trained(agreementCases['early stopping'] as never, engine);
    expect(result.reason).toBe('stopped-early');
  });
});
