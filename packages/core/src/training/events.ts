import type { Effect } from '../effect.ts';
import type { StopReason } from './fineTune.ts';

/** What a run reports, in order. Losses are means over counted items; the penalty is never part of them. */
export type TrainEvent =
  | {
      readonly type: 'start';
      readonly step: number;
      readonly totalSteps: number;
      readonly trainable: number;
      readonly targets: number;
    }
  | {
      readonly type: 'step';
      readonly step: number;
      readonly totalSteps: number;
      readonly epoch: number;
      readonly loss: number;
      readonly penalty: number;
      /** Before clipping. */
      readonly gradientNorm: number;
      /** By lane: one entry per set of leaves that share a schedule position. */
      readonly learningRates: readonly number[];
      readonly seconds: number;
    }
  | {
      readonly type: 'evaluation';
      readonly step: number;
      readonly loss: number;
      readonly metrics: Readonly<Record<string, number>>;
      readonly isBest: boolean;
    }
  | {
      readonly type: 'effect';
      readonly step: number;
      readonly effect: Effect['kind'];
      readonly targets: readonly string[];
    }
  | { readonly type: 'save'; readonly step: number }
  /** The training goes on; the next save is tried when it is due. */
  | { readonly type: 'save-failed'; readonly step: number; readonly error: unknown }
  | { readonly type: 'pause' | 'resume'; readonly step: number }
  | { readonly type: 'end'; readonly step: number; readonly reason: StopReason };
