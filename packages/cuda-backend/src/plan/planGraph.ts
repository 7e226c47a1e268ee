import type { Graph, Value } from '@peft/graph';
import { assignStorage } from '../lowering/assignStorage.ts';
import type { EmitterOptions } from '../lowering/commandEmitter.ts';
import { foldProducts } from '../lowering/folding/foldProducts.ts';
import { leadingValues } from '../lowering/leadingValues.ts';
import { lowerGraph } from '../lowering/lowerGraph.ts';
import type { StepPass } from '../lowering/step.ts';
import { stepsOf } from '../lowering/stepsOf.ts';
import { accessesOf } from './accessesOf.ts';
import { checkLayout } from './checkLayout.ts';
import { groupLaunches } from './groupLaunches.ts';
import type { Plan, PlannedFeed } from './plan.ts';
import { planMemory } from './planMemory.ts';
import type { Region } from './region.ts';

export interface PlanOptions extends EmitterOptions {
  /** What puts nodes together into generated kernels, where such can be compiled. */
  readonly fuse?: StepPass;
}

/**
 * How a rewritten graph runs on a device. Inputs and outputs `state/...` are the state, outputs `metrics/...` are read
 * after every run; all parameters are frozen weights, by their names.
 *
 * @throws CudaError `cuda/internal`
 */
export function planGraph(graph: Graph, { fuse = (steps) => steps, ...options }: PlanOptions): Plan {
  const storageOf = assignStorage(graph, options.precision);
  const leading = leadingValues(graph);
  const numbers = new Map(
    graph.constants.flatMap(({ value, data }) => (typeof data === 'number' ? [[value, data] as const] : [])),
  );
  const context = {
    ...options,
    storageOf,
    isLeading: (value: Value) => leading.has(value),
    numberOf: (value: Value) => numbers.get(value),
    returned: new Set(graph.outputs.map(({ value }) => value)),
  };
  const steps = [foldProducts, fuse].reduce((before, pass) => pass(before, context), stepsOf(graph));
  const lowered = lowerGraph(graph, { ...options, steps, storageOf });
  const commands = groupLaunches(lowered.commands);
  const kept = new Set(lowered.results.map(({ operand }) => operand.region));
  const layout = planMemory(commands, { kept, overwrites: lowered.overwrites });
  checkLayout(commands, { ...layout, kept, overwrites: lowered.overwrites });
  const used = new Set([...commands.flatMap((command) => accessesOf(command).map(({ region }) => region)), ...kept]);
  const read = (feeds: readonly PlannedFeed[]) => feeds.filter(({ operand }) => used.has(operand.region));
  return {
    commands,
    ...layout,
    weights: read(lowered.weights),
    state: read(lowered.state),
    inputs: read(lowered.inputs),
    constants: [...used].filter(({ kind }: Region) => kind === 'constant'),
    results: lowered.results,
  };
}
