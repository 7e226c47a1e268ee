import { putHandle } from './cells.ts';
import { queueOf, type RecordedMachine, withContext } from './recordedMachine.ts';
import { statuses } from './statuses.ts';
import { WorkQueue } from './workQueue.ts';

/** Streams: made, waited for, destroyed. */
export function streamFunctions(machine: RecordedMachine) {
  const { recording, streams } = machine;
  return withContext(machine, {
    cuStreamCreate: (cell: unknown, flags: unknown) => {
      if (flags !== 1) recording.problem('cuStreamCreate: a stream that waits for those of other libraries');
      const handle = recording.make('stream');
      streams.set(handle, new WorkQueue());
      putHandle(cell, handle);
      return statuses.success;
    },
    cuStreamSynchronize: (stream: unknown) => {
      const queue = queueOf(machine, stream, 'cuStreamSynchronize');
      if (!queue) return statuses.invalidHandle;
      queue.drain();
      return statuses.success;
    },
    cuStreamDestroy_v2: (stream: unknown) => {
      queueOf(machine, stream, 'cuStreamDestroy_v2')?.drain();
      if (!recording.end('stream', stream, 'cuStreamDestroy_v2')) return statuses.invalidHandle;
      streams.delete(stream as bigint);
      return statuses.success;
    },
  });
}
