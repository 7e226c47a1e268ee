import type { Graph, HostTensor, Value } from '@peft/graph';
import { lowerGraph } from '../../src/lowering/lowerGraph.ts';
import type { Step, StepContext, StepPass } from '../../src/lowering/step.ts';
import { stepsOf } from '../../src/lowering/stepsOf.ts';
import type { Storage } from '../../src/plan/storage.ts';
import { HostExecutor } from '../simulator/hostExecutor.ts';
import type { ThreadOrder } from '../simulator/hostRuntime.ts';
import { simulatedDescription } from '../simulator/simulatedDescription.ts';

export interface RunSteps {
  readonly graph: Graph;
  readonly inputs: ReadonlyMap<string, HostTensor>;
  readonly pass?: StepPass;
  readonly storageOf?: (value: Value) => Storage;
  readonly order?: ThreadOrder;
}

export interface StepResults {
  readonly steps: readonly Step[];
  /** Launches and clears. */
  readonly commands: number;
  readonly values: ReadonlyMap<string, ArrayLike<number>>;
}

/** Runs a graph on the host, each value in memory of its own, in given storages. */
export function runSteps({ graph, inputs, pass, storageOf = wide, order = 'forward' }: RunSteps): StepResults {
  const options = { device: simulatedDescription, precision: 'float32', hasProductLibrary: true } as const;
  const numbers = new Map(
    graph.constants.flatMap(({ value, data }) => (typeof data === 'number' ? [[value, data] as const] : [])),
  );
  const returned = new Set(graph.outputs.map(({ value }) => value));
  const context: StepContext = {
    ...options,
    storageOf,
    returned,
    isLeading: () => false,
    numberOf: (value) => numbers.get(value),
  };
  const each = stepsOf(graph);
  const steps = pass ? pass(each, context) : each;
  const lowered = lowerGraph(graph, { ...options, steps, storageOf });
  const executor = new HostExecutor({ isStrict: true });
  for (const { path, operand } of lowered.inputs) executor.write(operand, (inputs.get(path) as HostTensor).data);
  executor.run(lowered.commands, order);
  const values = new Map(lowered.results.map(({ path, operand }) => [path, executor.read(operand)]));
  executor.close();
  return { steps, commands: lowered.commands.length, values };
}

export function wide({ dtype }: Value): Storage {
  return dtype === 'int32' ? 'i32' : dtype === 'bool' ? 'u8' : 'f32';
}
