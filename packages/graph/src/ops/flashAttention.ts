import { GraphError } from '../graphError.ts';
import type { TensorType } from '../tensorType.ts';
import { type Attention, attentionShapes } from './attentionRows.ts';

export type Flash = Attention & {
  /** Whether operands are [..., tokens, heads, size] instead of [..., heads, tokens, size]. */
  readonly tokensFirst: boolean;
};

/** `shape` with heads and tokens exchanged: its own inverse. */
export const exchanged = (shape: readonly number[]) => [
  ...shape.slice(0, -3),
  shape.at(-2) as number,
  shape.at(-3) as number,
  shape.at(-1) as number,
];

/** Of the output and the statistics. */
export function flashShapes(inputs: readonly TensorType[], { tokensFirst }: Flash): readonly TensorType[] {
  const [query, key, value, ...mask] = inputs as readonly [TensorType, TensorType, TensorType, ...TensorType[]];
  const parts = [query, key, value];
  if (tokensFirst && parts.some(({ shape }) => shape.length < 3)) {
    const got = parts.map(({ shape }) => `[${shape}]`).join(', ');
    throw new GraphError('graph/shape', `attention of tokens first takes [..., tokens, heads, size], got ${got}.`);
  }
  const turn = (type: TensorType) => (tokensFirst ? { ...type, shape: exchanged(type.shape) } : type);
  const [output] = attentionShapes([...parts.map(turn), ...mask]) as readonly [TensorType];
  return [turn(output), { shape: [...output.shape.slice(0, -1), 2], dtype: 'float32' }];
}
