import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, it } from 'vitest';
import { withKnots } from '../test/knots.ts';
import type { AnyStrategy } from './strategy.ts';
import { strategyLaws } from './testing/strategyLaws.ts';
import { toyStrategy } from './testing/toyStrategy.ts';

const strategies = { 'a strategy': () => toyStrategy() as AnyStrategy, 'a strategy with knots': () => withKnots(2) };
const run = { trainableTokens: { embed: [5, 0, 2] }, targets: ['query', 'head'] } as const;

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });
  describe.each(Object.entries(strategies))('%s beside trained rows', (_, make) => {
    for (const law of strategyLaws(make, { run })) it(law.name, law.check);
  });
});
