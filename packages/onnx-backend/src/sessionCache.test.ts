import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Model, Runtime } from './runtime.ts';
import { SessionCache } from './sessionCache.ts';

const model = (...bytes: number[]): Model => ({ bytes: Uint8Array.from(bytes), feeds: [], results: [] });

/** A runtime that writes down what it opens and frees. */
function noting(): { readonly runtime: Runtime; readonly log: string[] } {
  const log: string[] = [];
  const open = async ({ bytes }: Model) => {
    log.push(`open ${bytes}`);
    if (bytes[0] === 0) throw new Error('refused');
    return { bind: () => ({ run: async () => {}, release: () => {} }), release: () => log.push(`release ${bytes}`) };
  };
  return { log, runtime: { name: 'noting', version: '0', threads: 1, open } };
}

afterEach(() => vi.unstubAllGlobals());

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('a session cache', () => {
  it('opens equal models once, also at the same time', async () => {
    const { runtime, log } = noting();
    const cache = new SessionCache(runtime, { idleLimit: 1, idleTime: 1e6 });
    const leases = await Promise.all([cache.lease(model(1)), cache.lease(model(1)), cache.lease(model(2))]);
    expect(log).toEqual(['open 1', 'open 2']);
    for (const lease of leases) lease.release();
    await settled();
    expect(log).toEqual(['open 1', 'open 2', 'release 1']);
    (await cache.lease(model(2))).release();
    expect(log).toHaveLength(3);
  });

  it('frees none that is used, and the one idle longest first', async () => {
    const { runtime, log } = noting();
    const cache = new SessionCache(runtime, { idleLimit: 1, idleTime: 1e6 });
    const [a, b, c] = await Promise.all([1, 2, 3].map((byte) => cache.lease(model(byte))));
    b?.release();
    a?.release();
    await settled();
    expect(log.slice(3)).toEqual(['release 2']);
    a?.release();
    cache.clear();
    await settled();
    expect(log.slice(3)).toEqual(['release 2', 'release 1']);
    expect(cache.size).toBe(1);
    c?.release();
  });

  it('frees what nobody used for a while', async () => {
    vi.useFakeTimers();
    const { runtime, log } = noting();
    const cache = new SessionCache(runtime, { idleLimit: 2, idleTime: 1000 });
    const [first, second] = await Promise.all([cache.lease(model(1)), cache.lease(model(2))]);
    first?.release();
    await vi.advanceTimersByTimeAsync(999);
    second?.release();
    await vi.advanceTimersByTimeAsync(999);
    const again = await cache.lease(model(1));
    expect(log).toEqual(['open 1', 'open 2']);
    await vi.advanceTimersByTimeAsync(1);
    expect(log.slice(2)).toEqual(['release 2']);
    again.release();
    await vi.advanceTimersByTimeAsync(1000);
    expect(log.slice(2)).toEqual(['release 2', 'release 1']);
    vi.useRealTimers();
  });

  it('forgets a model that does not open', async () => {
    const { runtime, log } = noting();
    const cache = new SessionCache(runtime, { idleLimit: 1, idleTime: 1e6 });
    for (let turn = 0; turn < 2; turn++) await expect(cache.lease(model(0))).rejects.toThrow('refused');
    expect(log).toEqual(['open 0', 'open 0']);
    expect(cache.size).toBe(0);
  });

  it('tells models apart on an insecure origin, where nothing digests', async () => {
    vi.stubGlobal('crypto', {});
    const { runtime, log } = noting();
    const cache = new SessionCache(runtime, { idleLimit: 300, idleTime: 1e6 });
    const bytes = Array.from({ length: 255 }, (_, index) => index + 1);
    for (const byte of [...bytes, ...bytes]) (await cache.lease(model(byte))).release();
    expect(log).toHaveLength(255);
  });
});
