import { expect, it, vi } from 'vitest';
import { loadKoffi } from './loadKoffi.ts';

vi.mock('koffi', () => ({
  get default() {
    throw new Error('no build for plan9');
  },
}));

it('says that what calls libraries does not load', async () => {
  await expect(loadKoffi()).rejects.toMatchObject({
    code: 'cuda/koffi',
    message:
      'koffi, which calls the libraries of CUDA, does not load: no build for plan9; install it with its optional packages.',
  });
});
