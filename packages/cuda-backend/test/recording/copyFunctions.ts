import { queueOf, type RecordedFunction, type RecordedMachine, withContext } from './recordedMachine.ts';
import { statuses } from './statuses.ts';
import type { Work } from './workQueue.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Copies and clears, which find their memory again when they run. */
export function copyFunctions(machine: RecordedMachine) {
  const { recording, space } = machine;

  const onDevice = (address: unknown, bytes: unknown) => () => space.find('device', address as bigint, Number(bytes));
  const pinned = (array: unknown, bytes: unknown) => () =>
    array instanceof Uint8Array && array.length === bytes && space.blockOf(array)?.kind === 'pinned'
      ? (array as Bytes)
      : undefined;

  interface Ends {
    readonly call: string;
    readonly stream: unknown;
    readonly to: () => Bytes | undefined;
    readonly from: () => Bytes | undefined;
  }

  function put({ call, stream, to, from }: Ends, more: (ends: readonly [Bytes, Bytes]) => Partial<Work> = () => ({})) {
    const queue = queueOf(machine, stream, call);
    if (!queue) return statuses.invalidHandle;
    const [target, source] = [to(), from()];
    if (!target || !source) {
      recording.problem(`${call}: ${target ? 'from' : 'to'} memory that is not pinned, not the device's, or was freed`);
      return statuses.invalidValue;
    }
    const { begin, run } = more([target, source]);
    queue.put({
      label: call,
      begin,
      run: () => {
        const [targetThen, sourceThen] = [to(), from()];
        if (!targetThen || !sourceThen) recording.problem(`${call}: its memory was freed before it ran`);
        else targetThen.set(sourceThen);
        run?.();
      },
    });
    return statuses.success;
  }

  const functions: Record<(typeof names)[number], RecordedFunction> = {
    cuMemcpyHtoDAsync_v2: (...[to, from, bytes, stream]) => {
      const call = 'cuMemcpyHtoDAsync_v2';
      return put({ call, stream, to: onDevice(to, bytes), from: pinned(from, bytes) }, ([, source]) => {
        let seen: Bytes | undefined;
        return {
          begin: () => {
            seen = source.slice();
          },
          run: () => {
            if (seen?.every((byte, index) => byte === source[index])) return;
            recording.problem(`${call}: its pinned memory was overwritten before it ran`);
          },
        };
      });
    },
    cuMemcpyDtoHAsync_v2: (...[to, from, bytes, stream]) => {
      const ends = { call: 'cuMemcpyDtoHAsync_v2', stream, to: pinned(to, bytes), from: onDevice(from, bytes) };
      // What is read too early is no number.
      return put(ends, ([target]) => ({ begin: () => target.fill(0xff) }));
    },
    cuMemcpyDtoDAsync_v2: (...[to, from, bytes, stream]) =>
      put({ call: 'cuMemcpyDtoDAsync_v2', stream, to: onDevice(to, bytes), from: onDevice(from, bytes) }),
    cuMemsetD8Async: (...[address, value, bytes, stream]) => {
      const filled = new Uint8Array(Number(bytes)).fill(Number(value));
      return put({ call: 'cuMemsetD8Async', stream, to: onDevice(address, bytes), from: () => filled });
    },
  };
  return withContext(machine, functions, names);
}

const names = ['cuMemcpyHtoDAsync_v2', 'cuMemcpyDtoHAsync_v2', 'cuMemcpyDtoDAsync_v2', 'cuMemsetD8Async'] as const;
