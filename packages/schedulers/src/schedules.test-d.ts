import { cosineWithRestarts, exponential, linear, oneCycle, perLink, type Schedule, warmup } from './index.ts';

export const own: Schedule = (step) => 1 / (step + 1);
export const wrapped: Schedule = warmup({ fraction: 0.1 }, perLink(own, { links: 3 }));

// @ts-expect-error: a chain is cut by number or by lengths
perLink(own, {});
// @ts-expect-error: the number of cycles has no default
cosineWithRestarts(1, {});
// @ts-expect-error: the factor has no default
exponential(1, {});
// @ts-expect-error: only two forms exist
oneCycle(1, { anneal: 'cubic' });
// @ts-expect-error: a schedule, not a rate
warmup(10, 5e-4);
// @ts-expect-error: options are named
linear(1, 0);
