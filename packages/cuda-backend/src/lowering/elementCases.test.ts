import { expect, it } from 'vitest';
import { elementCases } from './elementCases.ts';

it('is what the kernels have; `vitest run -u src/lowering/elementCases.test.ts` writes it anew', async () => {
  await expect(elementCases()).toMatchFileSnapshot('../../kernels/elementCases.cuh');
});
