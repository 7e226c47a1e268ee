import { expect, test } from 'vitest';
import { fullStepFlops } from '../products/fullStepFlops.ts';
import { productsOf, totalFlops } from '../products/productsOf.ts';
import { stepOptions } from '../step/stepOptions.ts';
import { captureStep } from './captureStep.ts';
import { contestModel } from './contestModel.ts';
import { contestRun } from './contestRun.ts';

async function flopsOfStep(args: string) {
  const { assignment } = stepOptions(args.split(' '));
  const contest = contestModel(assignment);
  const products = productsOf(await captureStep(contest.model, contestRun(assignment, contest)));
  contest.model.weights.dispose();
  return { flops: totalFlops(products), full: fullStepFlops(assignment, contest.model) };
}

test('a LoRA step of BERT executes what arithmetic says, no gradient below the lowest adapter, one token in the last layer', async () => {
  const { flops, full } = await flopsOfStep('--model bert-tiny --batch 2 --seq 16');
  const [b, s, d, r] = [2, 16, 64, 8];
  const [tokens, square, mlp] = [b * s, d * d, 2 * d * 4 * d];
  const pair = (rows: number) => rows * d * r;
  const head = b * d * d + b * d * 2;
  const forwardFirst = tokens * (4 * square + mlp) + 2 * b * s * s * d + 4 * pair(tokens);
  const forwardLast = 2 * tokens * square + b * (2 * square + mlp) + 2 * b * s * d + 2 * (pair(b) + pair(tokens));
  const backwardHead = head + d * b * 2;
  const backwardLast = b * (2 * square + mlp) + 2 * tokens * square + 4 * b * s * d + 4 * (pair(b) + pair(tokens));
  // The first layer's key and the inputs of its pairs have no gradient.
  const backwardFirst = tokens * (square + mlp) + 3 * b * s * s * d + 6 * pair(tokens);
  const executed = head + forwardFirst + forwardLast + backwardHead + backwardLast + backwardFirst;
  expect(flops).toBe(2 * executed);
  expect(full).toBeGreaterThan(flops);
});

test('AdaLoRA on every linear layer multiplies more than LoRA on two', async () => {
  const plain = await flopsOfStep('--model bert-tiny --batch 2 --seq 16');
  const budgeted = await flopsOfStep('--model bert-tiny --batch 2 --seq 16 --method adalora --targets all-linear');
  expect(budgeted.flops).toBeGreaterThan(plain.flops);
});
