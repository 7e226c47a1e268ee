/** Events for one reader, held until it asks for them. */
export class EventQueue<Event> implements AsyncIterator<Event> {
  readonly #events: Event[] = [];
  readonly #onReturn: () => void;
  readonly #sleepers: (() => void)[] = [];
  #outcome: { readonly error?: unknown } | undefined;

  constructor(onReturn: () => void) {
    this.#onReturn = onReturn;
  }

  push(event: Event): void {
    if (this.#outcome) return;
    this.#events.push(event);
    this.#wake();
  }

  end(): void {
    this.#outcome ??= {};
    this.#wake();
  }

  fail(error: unknown): void {
    this.#outcome ??= { error };
    this.#wake();
  }

  async next(): Promise<IteratorResult<Event, undefined>> {
    while (this.#events.length === 0 && !this.#outcome) {
      await new Promise<void>((wake) => this.#sleepers.push(wake));
    }
    const value = this.#events.shift();
    if (value !== undefined) return { done: false, value };
    if (this.#outcome && 'error' in this.#outcome) {
      const { error } = this.#outcome;
      this.#outcome = {};
      throw error;
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Event, undefined>> {
    this.#outcome = {};
    this.#events.length = 0;
    this.#wake();
    this.#onReturn();
    return { done: true, value: undefined };
  }

  #wake(): void {
    for (const wake of this.#sleepers.splice(0)) wake();
  }
}
