import type { Graph, HostTensor } from '@peft/graph';
import type { Plan } from '../../src/plan/plan.ts';
import { HostExecutor } from '../simulator/hostExecutor.ts';
import type { ThreadOrder } from '../simulator/hostRuntime.ts';

const prefixes = { state: 'state/', metric: 'metrics/', output: 'outputs/' } as const;

/** Runs a plan on the host, in the arena that it lays out; results by the names of the graph's outputs. */
export function runPlan(
  plan: Plan,
  { graph, inputs, order }: RunOptions,
): ReadonlyMap<string, Float32Array | Int32Array | Uint8Array> {
  const executor = new HostExecutor({ arena: { bytes: plan.arenaBytes, offsets: plan.offsets } });
  const given = (path: string, prefix: string) =>
    inputs.get(`${prefix}${path}`) ?? inputs.get(path) ?? [...inputs].find(([name]) => name.endsWith(`/${path}`))?.[1];
  for (const { path, operand } of plan.state) executor.write(operand, (given(path, 'state/') as HostTensor).data);
  for (const { path, operand } of plan.inputs) executor.write(operand, (given(path, 'inputs/') as HostTensor).data);
  const weights = new Map(graph.parameters.map(({ name, source }) => [name, source]));
  for (const { path, operand } of plan.weights) {
    const source = weights.get(path);
    executor.write(operand, source && 'dataSync' in source ? source.dataSync() : (source as Float32Array));
  }
  executor.run(plan.commands, order);
  const results = plan.results.map(
    ({ kind, path, operand }) => [`${prefixes[kind]}${path}`, executor.read(operand)] as const,
  );
  executor.close();
  return new Map(results);
}

export interface RunOptions {
  readonly graph: Graph;
  readonly inputs: ReadonlyMap<string, HostTensor>;
  readonly order?: ThreadOrder;
}
