import { putHandle } from './cells.ts';
import { queueOf, type RecordedMachine, withContext } from './recordedMachine.ts';
import { statuses } from './statuses.ts';
import type { Work, WorkQueue } from './workQueue.ts';

interface Recorded {
  readonly queue: WorkQueue;
  readonly work: Work;
  /** When it ran, by a clock that ticks with every piece of work of its stream. */
  at: number | undefined;
  wasAsked: boolean;
}

/** Events. Asked for the first time, an event is not done: whoever polls must ask again. */
export function eventFunctions(machine: RecordedMachine) {
  const { recording } = machine;
  const events = new Map<bigint, Recorded>();
  const recordedOf = (event: unknown, call: string): Recorded | undefined => {
    if (!recording.isAlive('event', event, call)) return undefined;
    const known = events.get(event);
    if (!known) recording.problem(`${call}: an event that was never recorded`);
    return known;
  };
  return withContext(
    machine,
    {
      cuEventCreate: (cell: unknown) => {
        putHandle(cell, recording.make('event'));
        return statuses.success;
      },
      cuEventRecord: (event: unknown, stream: unknown) => {
        const queue = queueOf(machine, stream, 'cuEventRecord');
        if (!queue || !recording.isAlive('event', event, 'cuEventRecord')) return statuses.invalidHandle;
        const recorded: Recorded = {
          queue,
          work: {
            label: 'cuEventRecord',
            run: () => {
              recorded.at = queue.ran;
            },
          },
          at: undefined,
          wasAsked: false,
        };
        events.set(event, recorded);
        queue.put(recorded.work);
        return statuses.success;
      },
      cuEventQuery: (event: unknown) => {
        const known = recordedOf(event, 'cuEventQuery');
        if (!known) return statuses.invalidHandle;
        if (known.at === undefined && !known.wasAsked) {
          known.wasAsked = true;
          return statuses.notReady;
        }
        if (known.queue.holds(known.work)) known.queue.drain(known.work);
        return statuses.success;
      },
      cuEventElapsedTime: (cell: unknown, start: unknown, end: unknown) => {
        const [first, second] = [start, end].map((event) => recordedOf(event, 'cuEventElapsedTime'));
        if (!first || !second) return statuses.invalidHandle;
        if (first.at === undefined || second.at === undefined) return statuses.notReady;
        (cell as Float32Array)[0] = second.at - first.at;
        return statuses.success;
      },
      cuEventDestroy_v2: (event: unknown) =>
        recording.end('event', event, 'cuEventDestroy_v2') ? statuses.success : statuses.invalidHandle,
    },
    ['cuEventRecord'],
  );
}
