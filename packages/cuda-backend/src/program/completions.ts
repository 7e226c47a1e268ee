import type { Driver, Event, Stream } from '../device/driver.ts';

interface Waiting {
  readonly event: Event;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Milliseconds of waiting from which a millisecond more is worth a sleep: below, the event loop goes round and looks. */
const longWait = 50;

/**
 * Says when the work of a stream is done, by looking at events whenever the event loop comes round: nothing blocks, and
 * timers and input are served meanwhile.
 */
export class Completions {
  readonly #driver: Driver;
  readonly #stream: Stream;
  readonly #waiting: Waiting[] = [];
  readonly #idle: Event[] = [];
  #began = 0;
  #isLooking = false;

  constructor(driver: Driver, stream: Stream) {
    this.#driver = driver;
    this.#stream = stream;
  }

  /** Work that was put in and is waited for. */
  get count(): number {
    return this.#waiting.length;
  }

  /** Reads once all that was put in the stream before has run. Rejects with the device's error where it fails. */
  after<Result>(read: () => Result): Promise<Result> {
    const event = this.#idle.pop() ?? this.#driver.createEvent();
    try {
      this.#stream.record(event);
    } catch (error) {
      this.#idle.push(event);
      return Promise.reject(error);
    }
    return new Promise<Result>((resolve, reject) => {
      const settle = () => {
        try {
          resolve(read());
        } catch (error) {
          reject(error);
        }
      };
      this.#waiting.push({ event, resolve: settle, reject });
      if (this.#isLooking) return;
      this.#isLooking = true;
      this.#began = performance.now();
      setImmediate(this.#look);
    });
  }

  /** Tells whoever waits, and gives the events back; the stream has nothing left to do. */
  close(): void {
    this.#look();
    for (const event of this.#idle.splice(0)) event.destroy();
  }

  readonly #look = (): void => {
    try {
      while (this.#waiting[0]?.event.isDone()) this.#take().resolve();
    } catch (error) {
      // The stream runs nothing any more.
      while (this.#waiting.length > 0) this.#take().reject(error);
    }
    this.#isLooking = this.#waiting.length > 0;
    if (!this.#isLooking) return;
    if (performance.now() - this.#began < longWait) setImmediate(this.#look);
    else setTimeout(this.#look, 1);
  };

  #take(): Waiting {
    const first = this.#waiting.shift() as Waiting;
    this.#idle.push(first.event);
    this.#began = performance.now();
    return first;
  }
}
