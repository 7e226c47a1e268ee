import type { Node, Value } from '@peft/graph';
import type { DeviceDescription } from '../device/driver.ts';
import type { Storage } from '../plan/storage.ts';
import type { LoweringCall } from './cudaRow.ts';
import type { Emitter, Precision } from './emitter.ts';

/** One thing to lower: a node by its row, or several nodes as one. Values inside it have no memory. */
export interface Step {
  /** For errors and print-outs: `17 PeftLayerNorm`. */
  readonly label: string;
  /** The node, where the step is no more than that: what folding and fusion may take. */
  readonly node?: Node;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly lower: (call: StepCall) => void;
  /** As in CudaRow. */
  readonly isView?: true;
  /** Numbers of the first input before each output, where all outputs are runs of it. */
  readonly parts?: readonly number[];
  readonly inPlace?: readonly number[];
  readonly unread?: readonly number[];
}

export interface StepCall extends Pick<LoweringCall<never>, 'inputs' | 'outputs'> {
  readonly emit: Emitter;
}

/** What is known before lowering of the values that steps hold. */
export interface StepContext {
  readonly device: DeviceDescription;
  readonly precision: Precision;
  readonly storageOf: (value: Value) => Storage;
  /** Whether a product reads the value, or something made of it. */
  readonly isLeading: (value: Value) => boolean;
  /** The number that fills a constant. */
  readonly numberOf: (value: Value) => number | undefined;
  /** Values that the graph returns: they must be made whatever reads them. */
  readonly returned: ReadonlySet<Value>;
}

/** Puts steps together: equal results by fewer steps, in an order in which they can run. */
export type StepPass = (steps: readonly Step[], context: StepContext) => readonly Step[];
