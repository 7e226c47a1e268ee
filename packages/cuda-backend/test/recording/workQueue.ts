/** A thing that a device is to do, once it comes to it. */
export interface Work {
  readonly label: string;
  /** Called when it is put in: what it must find unchanged when it runs. */
  readonly begin?: () => void;
  readonly run: () => void;
}

/** The work of a stream, which runs when somebody waits for it. */
export class WorkQueue {
  readonly #waiting: Work[] = [];
  #captured: Work[] | undefined;
  /** Pieces of work that have run. */
  ran = 0;

  get isCapturing(): boolean {
    return this.#captured !== undefined;
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0;
  }

  put(work: Work): void {
    if (this.#captured) {
      this.#captured.push(work);
      return;
    }
    work.begin?.();
    this.#waiting.push(work);
  }

  /** Runs what waits, up to and with a piece of work where one is named. */
  drain(until?: Work): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.ran++;
      next.run();
      if (next === until) return;
    }
  }

  holds(work: Work): boolean {
    return this.#waiting.includes(work);
  }

  beginCapture(): void {
    this.#captured = [];
  }

  endCapture(): readonly Work[] {
    const captured = this.#captured ?? [];
    this.#captured = undefined;
    return captured;
  }
}
