import type { Binding, Model, Runtime, Session } from './runtime.ts';

/** A session somebody uses; the cache frees it when nobody does and newer ones were used since. */
export interface SessionLease {
  readonly bind: Session['bind'];
  release(): void;
}

interface Entry {
  readonly opening: Promise<Session>;
  users: number;
}

export interface SessionCacheOptions {
  /** Sessions kept that nobody uses. */
  readonly idleLimit: number;
  /** Milliseconds for which they are kept: a session holds the memory of its largest run. */
  readonly idleTime: number;
}

/** Sessions by their model: an equal model is opened once, and a few that nobody uses are kept for a while. */
export class SessionCache {
  readonly #runtime: Runtime;
  readonly #options: SessionCacheOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  // In the order in which they were last given back.
  readonly #entries = new Map<string, Entry>();

  constructor(runtime: Runtime, options: SessionCacheOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  /** The number of sessions, used and idle. */
  get size(): number {
    return this.#entries.size;
  }

  async lease(model: Model): Promise<SessionLease> {
    const key = await keyOf(model.bytes);
    const entry = this.#entries.get(key) ?? { opening: this.#runtime.open(model), users: 0 };
    this.#entries.set(key, entry);
    entry.users++;
    try {
      const session = await entry.opening;
      let isReleased = false;
      return {
        bind: (feeds, results): Binding => session.bind(feeds, results),
        release: () => {
          if (isReleased) return;
          isReleased = true;
          this.#giveBack(key, entry);
        },
      };
    } catch (error) {
      this.#entries.delete(key);
      throw error;
    }
  }

  /** Frees the sessions that nobody uses. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#evict(0);
  }

  #giveBack(key: string, entry: Entry): void {
    if (--entry.users > 0) return;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    this.#evict(this.#options.idleLimit);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.clear(), this.#options.idleTime);
    // In Node a timer would keep the process alive.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  #evict(limit: number): void {
    const idle = [...this.#entries].filter(([, { users }]) => users === 0);
    for (const [key, { opening }] of idle.slice(0, Math.max(0, idle.length - limit))) {
      this.#entries.delete(key);
      void opening.then((session) => session.release());
    }
  }
}

async function keyOf(bytes: Uint8Array): Promise<string> {
  // Pages on an insecure origin have no digests: there the model is its own key.
  if (!globalThis.crypto?.subtle) return new TextDecoder('latin1').decode(bytes);
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
