import type { AnyModel } from '@peft/core';
import type { Assignment } from '../step/assignment.ts';

/**
 * FLOPs of a step that takes no short cut: every linear layer forward and the gradient of its input, on every token, and
 * attention with its four products of the backward pass. What the adapters add is not counted.
 */
export function fullStepFlops(
  { architecture, config, batch, seq }: Pick<Assignment, 'architecture' | 'config' | 'batch' | 'seq'>,
  { targets, outputHead = [] }: Pick<AnyModel, 'targets' | 'outputHead'>,
): number {
  const tokens = batch * seq;
  const hidden = Number(config.hidden_size ?? config.n_embd);
  const layers = Number(config.num_hidden_layers ?? config.n_layer);
  const linears = targets.filter(({ kind, path }) => kind !== 'embedding' && !outputHead.includes(path));
  // A pooler and a classifier read one token of each example in any implementation.
  const rows = (path: string) => (/pooler/.test(path) ? batch : tokens);
  const products = linears.reduce((sum, { path, shape: [from = 0, to = 0] }) => sum + rows(path) * from * to, 0);
  const head = architecture === 'causal-lm' ? tokens * hidden * config.vocab_size : 0;
  const attention = 6 * layers * tokens * seq * hidden;
  return 2 * (2 * products + 2 * head + attention);
}
