import type { BiasMode, TrainedAdapter } from '@peft/core';

/** The least mode that trains every bias that one of the adapters trains. */
export function joinedBias(adapters: readonly TrainedAdapter[]): BiasMode {
  const modes = new Set(adapters.map(({ bias }) => bias));
  return (['all', 'adapted'] as const).find((mode) => modes.has(mode)) ?? 'none';
}
