import type { TensorType } from '@peft/graph';
import type { Command } from './command.ts';
import type { Operand } from './operand.ts';
import type { Region } from './region.ts';

/** Memory that the program fills, by the path it has in weights, state or inputs. */
export interface PlannedFeed {
  readonly path: string;
  readonly operand: Operand;
}

/** Where a result lies once the last command has run. */
export interface PlannedResult extends TensorType {
  readonly kind: 'state' | 'metric' | 'output';
  readonly path: string;
  /**
   * Of metrics and outputs: in a region of kind `result`, stored as the host reads it. Of state: any memory but that of
   * state leaves, stored as the leaf is; the program copies it there once every metric is known to be finite.
   */
  readonly operand: Operand;
}

/** A graph as the device runs it: commands in order, and all the memory they name. */
export interface Plan {
  readonly commands: readonly Command[];
  /** Bytes of the arena, and where in it each region of kind `arena` begins. */
  readonly arenaBytes: number;
  readonly offsets: ReadonlyMap<Region, number>;
  /** A weight is listed once for each storage in which it is read. */
  readonly weights: readonly PlannedFeed[];
  /** Leaves that a command reads. */
  readonly state: readonly PlannedFeed[];
  readonly inputs: readonly PlannedFeed[];
  /** Regions with their data. */
  readonly constants: readonly Region[];
  readonly results: readonly PlannedResult[];
}
