import type { AddressSpace } from './addressSpace.ts';
import type { RecordedLaunch } from './moduleFunctions.ts';
import type { RecordedDevice } from './recordedDriver.ts';
import type { Recording } from './recording.ts';
import { statuses } from './statuses.ts';
import type { WorkQueue } from './workQueue.ts';

/** A function of the driver as it is recorded: what it is given is judged, not trusted. */
export type RecordedFunction = (...given: readonly unknown[]) => number;

/** What the functions of one recorded driver share. */
export interface RecordedMachine {
  readonly device: RecordedDevice;
  readonly recording: Recording;
  readonly space: AddressSpace;
  readonly streams: Map<bigint, WorkQueue>;
  /** Devices whose primary context is held. */
  readonly retained: Set<number>;
  /** The context of the thread. */
  current: bigint | undefined;
  readonly onLaunch: (launch: RecordedLaunch) => void;
}

/** The queue of a stream that lives; a problem where there is none. */
export function queueOf(machine: RecordedMachine, stream: unknown, call: string): WorkQueue | undefined {
  return machine.recording.isAlive('stream', stream, call) ? machine.streams.get(stream) : undefined;
}

/** Wraps functions that need a context; those named in `freely` are allowed inside a capture. */
export function withContext<Names extends string>(
  machine: RecordedMachine,
  functions: Readonly<Record<Names, RecordedFunction>>,
  freely: readonly NoInfer<Names>[] = [],
): Record<Names, RecordedFunction> {
  const wrapped = (Object.entries(functions) as [Names, RecordedFunction][]).map(([name, run]) => {
    const checked: RecordedFunction = (...given) => {
      if (machine.current === undefined) {
        machine.recording.problem(`${name}: no context is current`);
        return statuses.invalidContext;
      }
      const isCapturing = [...machine.streams.values()].some((queue) => queue.isCapturing);
      if (isCapturing && !freely.includes(name)) {
        machine.recording.problem(`${name}: not allowed inside a capture`);
        return statuses.captureUnsupported;
      }
      return run(...given);
    };
    return [name, checked];
  });
  return Object.fromEntries(wrapped) as Record<Names, RecordedFunction>;
}

/** Runs all work of all streams, as calls do that wait for the whole device. */
export function drainAll({ streams }: RecordedMachine): void {
  for (const queue of streams.values()) if (!queue.isCapturing) queue.drain();
}
