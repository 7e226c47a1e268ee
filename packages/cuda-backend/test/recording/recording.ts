/** What a handle stands for. */
export type HandleKind = 'context' | 'stream' | 'event' | 'module' | 'function' | 'graph' | 'executable graph';

export interface RecordedCall {
  readonly name: string;
  readonly given: readonly unknown[];
  readonly status: number;
}

/** What a recorded driver was asked to do, and what was wrong with it. */
export class Recording {
  readonly calls: RecordedCall[] = [];
  /** Misuse: a real driver would fail, or worse, not fail. */
  readonly problems: string[] = [];
  readonly #handles = new Map<bigint, { readonly kind: HandleKind; readonly label: string; isAlive: boolean }>();
  #next = 0x1000n;

  /** Names of the calls, without those that only read. */
  get names(): readonly string[] {
    return this.calls.map(({ name }) => name);
  }

  problem(text: string): void {
    this.problems.push(text);
  }

  make(kind: HandleKind, label = ''): bigint {
    const handle = this.#next;
    this.#next += 16n;
    this.#handles.set(handle, { kind, label, isAlive: true });
    return handle;
  }

  /** Whether a handle is of a kind and alive; a problem where not. */
  isAlive(kind: HandleKind, handle: unknown, call: string): handle is bigint {
    const known = typeof handle === 'bigint' ? this.#handles.get(handle) : undefined;
    if (known?.kind === kind && known.isAlive) return true;
    this.problem(`${call}: ${known?.kind === kind ? `a ${kind} that was destroyed` : `not a ${kind}`}`);
    return false;
  }

  end(kind: HandleKind, handle: unknown, call: string): boolean {
    if (!this.isAlive(kind, handle, call)) return false;
    const known = this.#handles.get(handle);
    if (known) known.isAlive = false;
    return true;
  }

  /** What lives, by kind and label; functions live as long as their module. */
  get living(): readonly string[] {
    return [...this.#handles.values()]
      .filter(({ kind, isAlive }) => isAlive && kind !== 'function' && kind !== 'context')
      .map(({ kind, label }) => (label ? `${kind} ${label}` : kind));
  }
}
