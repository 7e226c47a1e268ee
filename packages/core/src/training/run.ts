import { EventQueue } from './eventQueue.ts';
import type { TrainEvent } from './events.ts';
import type { FineTuneOptions, Run, RunResult } from './fineTune.ts';
import { type ProgressOutput, progressReporter } from './progress.ts';
import type { Trainer } from './trainer.ts';
import type { TrainingState } from './trainingState.ts';

type StateRequest = { readonly resolve: (state: TrainingState) => void; readonly reject: (error: unknown) => void };

/** Drives a trainer step by step; between steps it rests, stops and hands out states. */
export function startRun(trainer: Trainer, options: FineTuneOptions): Run {
  const queues = new Set<EventQueue<TrainEvent>>();
  const output = progressOutput(options.progress ?? true);
  const listeners = [options.onEvent, output && progressReporter(output)].filter((listener) => listener !== undefined);
  const emit = (event: TrainEvent) => {
    for (const listener of listeners) listener(event);
    for (const queue of queues) queue.push(event);
  };
  const bell = new Bell();
  const requests: StateRequest[] = [];
  let isPaused = false;
  let isStopped = false;
  let rested = () => {};
  let reached = Promise.resolve();
  let lastState: Promise<TrainingState> | undefined;

  const stop = () => {
    isStopped = true;
    bell.ring();
  };

  const answer = async () => {
    for (let request = requests.shift(); request; request = requests.shift()) {
      await trainer.state().then(request.resolve, request.reject);
    }
  };

  const betweenSteps = async () => {
    await macrotask();
    await answer();
    if (!isPaused || isStopped) return;
    emit({ type: 'pause', step: trainer.step });
    while (isPaused && !isStopped) {
      // Anew on every ring: a pause that followed a resume at once has a promise of its own.
      rested();
      await bell.heard();
      await answer();
    }
    if (!isStopped) emit({ type: 'resume', step: trainer.step });
  };

  const work = async (): Promise<RunResult> => {
    await macrotask();
    options.signal?.addEventListener('abort', stop, { once: true });
    if (options.signal?.aborted) stop();
    try {
      await trainer.prepare(emit);
      await betweenSteps();
      while (!isStopped && !trainer.isDone) {
        await trainer.runStep(emit);
        await betweenSteps();
      }
      await trainer.save(emit);
      lastState = settled(trainer.state());
      await lastState.catch(() => undefined);
      const result = await trainer.finish(trainer.isDone ? undefined : 'aborted');
      emit({ type: 'end', step: trainer.step, reason: result.reason });
      return result;
    } catch (error) {
      lastState ??= settled(trainer.state());
      await lastState.catch(() => undefined);
      await trainer.dispose();
      throw error;
    } finally {
      options.signal?.removeEventListener('abort', stop);
      const final = lastState;
      for (const request of requests.splice(0)) final?.then(request.resolve, request.reject);
      rested();
    }
  };

  const result = work();
  const close = (end: (queue: EventQueue<TrainEvent>) => void) => {
    for (const queue of queues) end(queue);
  };

  return {
    result,
    stop,
    pause() {
      if (lastState) return Promise.resolve();
      if (!isPaused) {
        isPaused = true;
        reached = new Promise((resolve) => {
          rested = resolve;
        });
      }
      return reached;
    },
    resume() {
      isPaused = false;
      bell.ring();
    },
    state() {
      if (lastState) return lastState;
      return new Promise((resolve, reject) => {
        requests.push({ resolve, reject });
        bell.ring();
      });
    },
    [Symbol.asyncIterator]() {
      const queue = new EventQueue<TrainEvent>(() => queues.delete(queue));
      queues.add(queue);
      // A reader of events learns of a failure from them; `result` then must not report it again as unhandled.
      result.then(
        () => close((open) => open.end()),
        (error) => close((open) => open.fail(error)),
      );
      return queue;
    },
  };
}

/** Wakes the one who listens; a ring that nobody hears is heard next. */
class Bell {
  #hasRung = false;
  #wake = () => {};

  ring(): void {
    this.#hasRung = true;
    this.#wake();
  }

  async heard(): Promise<void> {
    if (!this.#hasRung) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#hasRung = false;
  }
}

/** The same promise, whose rejection is not unhandled if nobody asks. */
function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** Lets timers, input and output of this thread have their turn. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}

function progressOutput(progress: boolean | ProgressOutput): ProgressOutput | undefined {
  if (typeof progress === 'object') return progress;
  return progress ? (globalThis.process?.stderr as ProgressOutput | undefined) : undefined;
}
