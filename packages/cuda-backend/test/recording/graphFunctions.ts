import { putHandle } from './cells.ts';
import { queueOf, type RecordedMachine, withContext } from './recordedMachine.ts';
import { statuses } from './statuses.ts';
import type { Work } from './workQueue.ts';

/** Captures and graphs. */
export function graphFunctions(machine: RecordedMachine) {
  const { recording } = machine;
  const works = new Map<bigint, readonly Work[]>();
  return withContext(
    machine,
    {
      cuStreamBeginCapture_v2: (stream: unknown, mode: unknown) => {
        const queue = queueOf(machine, stream, 'cuStreamBeginCapture_v2');
        if (!queue) return statuses.invalidHandle;
        if (mode !== 1) recording.problem('cuStreamBeginCapture_v2: a capture that other threads can spoil');
        queue.beginCapture();
        return statuses.success;
      },
      cuStreamEndCapture: (stream: unknown, cell: unknown) => {
        const queue = queueOf(machine, stream, 'cuStreamEndCapture');
        if (!queue?.isCapturing) return statuses.invalidValue;
        const graph = recording.make('graph');
        works.set(graph, queue.endCapture());
        putHandle(cell, graph);
        return statuses.success;
      },
      cuGraphGetNodes: (graph: unknown, nodes: unknown, cell: unknown) => {
        if (!recording.isAlive('graph', graph, 'cuGraphGetNodes') || nodes !== null) return statuses.invalidValue;
        putHandle(cell, BigInt(works.get(graph)?.length ?? 0));
        return statuses.success;
      },
      cuGraphInstantiateWithFlags: (cell: unknown, graph: unknown, flags: unknown) => {
        if (!recording.isAlive('graph', graph, 'cuGraphInstantiateWithFlags')) return statuses.invalidValue;
        if (flags !== 0) return statuses.invalidValue;
        const handle = recording.make('executable graph');
        works.set(handle, works.get(graph) ?? []);
        putHandle(cell, handle);
        return statuses.success;
      },
      cuGraphDestroy: (graph: unknown) =>
        recording.end('graph', graph, 'cuGraphDestroy') ? statuses.success : statuses.invalidValue,
      cuGraphUpload: (graph: unknown, stream: unknown) => {
        const isFine = recording.isAlive('executable graph', graph, 'cuGraphUpload');
        return isFine && queueOf(machine, stream, 'cuGraphUpload') ? statuses.success : statuses.invalidValue;
      },
      cuGraphLaunch: (graph: unknown, stream: unknown) => {
        const queue = queueOf(machine, stream, 'cuGraphLaunch');
        if (!queue || !recording.isAlive('executable graph', graph, 'cuGraphLaunch')) return statuses.invalidValue;
        for (const work of works.get(graph) ?? []) queue.put(work);
        return statuses.success;
      },
      cuGraphExecDestroy: (graph: unknown) =>
        recording.end('executable graph', graph, 'cuGraphExecDestroy') ? statuses.success : statuses.invalidValue,
    },
    ['cuStreamEndCapture'],
  );
}
