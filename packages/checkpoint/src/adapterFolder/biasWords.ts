import type { BiasMode } from '@peft/core';

/** Python PEFT's words for which biases were trained. */
export const biasWords: Readonly<Record<BiasMode, string>> = { none: 'none', all: 'all', adapted: 'lora_only' };
