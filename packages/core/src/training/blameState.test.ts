import { PeftError } from '@peft/ops';
import { expect, it } from 'vitest';
import { blameState } from './blameState.ts';

const failing = (error: unknown) => () => Promise.reject(error);

it('tells what fails without saying so as the state it most likely comes from', async () => {
  await expect(blameState(3, 3, failing(new TypeError("reading 'lifeOf'")))).rejects.toMatchObject({
    code: 'resume/state',
    message:
      "the run cannot go on from the training state of step 3 (reading 'lifeOf'); if a run without it gets further, it was changed after it was saved: resume from another save.",
  });
  await expect(blameState(3, 5, failing('no error at all'))).rejects.toThrow(
    'the run failed after step 5, resumed from the training state of step 3 (no error at all); if a run',
  );
  await expect(blameState(3, 3, failing(new PeftError('internal/tree', 'internal: twice')))).rejects.toMatchObject({
    code: 'resume/state',
  });
});

it('passes on what explains itself, and results', async () => {
  const own = new PeftError('train/not-finite', 'not finite');
  await expect(blameState(3, 3, failing(own))).rejects.toBe(own);
  await expect(blameState(3, 3, () => Promise.resolve(7))).resolves.toBe(7);
});
