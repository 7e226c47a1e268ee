import { describe, expect, it } from 'vitest';
import { EventQueue } from './eventQueue.ts';

describe('the event queue', () => {
  it('holds events until they are read, then says that it is done', async () => {
    const queue = new EventQueue<number>(() => {});
    queue.push(1);
    queue.push(2);
    queue.end();
    queue.push(3);
    expect([await queue.next(), await queue.next(), await queue.next(), await queue.next()]).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
  });

  it('wakes every reader that waits', async () => {
    const queue = new EventQueue<number>(() => {});
    const waiting = Promise.all([queue.next(), queue.next(), queue.next()]);
    queue.push(1);
    queue.push(2);
    queue.end();
    expect((await waiting).map(({ value }) => value)).toEqual([1, 2, undefined]);
  });

  it('throws a failure once, after the events before it', async () => {
    const queue = new EventQueue<number>(() => {});
    queue.push(1);
    queue.fail(new Error('broken'));
    queue.end();
    expect(await queue.next()).toEqual({ done: false, value: 1 });
    await expect(queue.next()).rejects.toThrow('broken');
    expect(await queue.next()).toEqual({ done: true, value: undefined });
  });

  it('forgets everything when its reader leaves, and lets those who wait go', async () => {
    let left = 0;
    const queue = new EventQueue<number>(() => left++);
    const waiting = queue.next();
    await queue.return();
    expect(await waiting).toEqual({ done: true, value: undefined });
    queue.push(1);
    queue.fail(new Error('later'));
    expect([await queue.next(), left]).toEqual([{ done: true, value: undefined }, 1]);
  });
});
