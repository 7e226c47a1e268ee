import { expect, it } from 'vitest';
import { threadsOfPage } from './threadsOfPage.ts';

it.each([
  [1, 1],
  [2, 2],
  [4, 4],
  [16, 4],
  [0, 1],
])('an isolated page of %d processors uses %d threads', (processors, threads) => {
  expect(threadsOfPage({ isIsolated: true, processors })).toEqual({ threads });
});

it('an isolated page uses the threads it is asked for', () => {
  expect(threadsOfPage({ isIsolated: true, processors: 16 }, 7)).toEqual({ threads: 7 });
});

it('a page that shares no memory uses one, and says how to have more', () => {
  expect(threadsOfPage({ isIsolated: false, processors: 8 })).toEqual({
    threads: 1,
    warning:
      'onnxEngine: steps run on one thread, as this page is not cross-origin isolated; serve it with the headers ' +
      '"Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp" for 4 threads.',
  });
});

it('nothing is said where one thread is all there is, or all that is wanted', () => {
  expect(threadsOfPage({ isIsolated: false, processors: 1 })).toEqual({ threads: 1 });
  expect(threadsOfPage({ isIsolated: false, processors: 8 }, 1)).toEqual({ threads: 1 });
});
