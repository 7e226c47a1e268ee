import koffi from 'koffi';
import { expect, it } from 'vitest';
import { loadKoffi } from './loadKoffi.ts';

it('leaves room for the calls of other packages, which could not ask for it any more', async () => {
  expect(koffi.config().async_stack_size).toBeLessThan(1 << 20);
  expect(await loadKoffi()).toBe(koffi);
  expect(koffi.config().async_stack_size).toBe(1 << 20);
});

it('takes koffi as it is where a library was loaded before', async () => {
  const config = koffi.config;
  koffi.config = ((settings?: object) => {
    if (settings) throw new Error('Cannot change Koffi configuration once a library has been loaded');
    return { async_stack_size: 1 << 17 };
  }) as typeof koffi.config;
  try {
    expect(await loadKoffi()).toBe(koffi);
  } finally {
    koffi.config = config;
  }
});
