import { sizeOf } from '@peft/core';
import type { OpAttributes } from '@peft/graph';
import { CudaError } from '../cudaError.ts';
import { type Argument, f32, i32, i64, reads, u32, writes } from '../plan/command.ts';
import type { Operand } from '../plan/operand.ts';
import type { Storage } from '../plan/storage.ts';
import { maskArguments } from './attentionMask.ts';
import type { CudaRows } from './cudaRow.ts';
import { flashLaunch, rowsPerHead } from './flashLaunch.ts';
import { storageTag } from './storageTag.ts';

type Ops = 'PeftFlashAttention' | 'PeftFlashAttentionGrad';

/** Attention a tile of scores at a time: on tensor cores where an operand is bf16, exactly where all are f32. */
export const flashAttentionRows: CudaRows<Ops> = {
  PeftFlashAttention: {
    exact: [1],
    lower: ({ inputs, attributes, outputs, emit }) => {
      const [query, key, value] = inputs.slice(0, 3) as [Operand, Operand, Operand];
      const [output, statistics] = outputs as readonly [Operand, Operand];
      const sizes = sizesOf([query, key, value], attributes);
      const storage = storageOf([query, key, value]);
      const { threads, resident, forwardBytes, suffix } = flashLaunch(storage, sizes);
      emit.kernel({
        kernel: { file: `flashForward${suffix}`, name: `flashForward${suffix}` },
        blocks: sizes.batch * sizes.heads * Math.ceil(sizes.queries / resident),
        threads,
        sharedBytes: forwardBytes,
        arguments: [
          ...[query, key, value].map((each) => reads(emit.stored(each, storage))),
          writes(output),
          writes(statistics),
          ...maskArguments(inputs[3], scoresOf(sizes, statistics)),
          ...shapeArguments(sizes, attributes),
          storageTag(output),
          i32(0),
        ],
      });
    },
  },

  PeftFlashAttentionGrad: {
    lower: ({ inputs, attributes, outputs, emit }) => {
      const [query, key, value, output, statistics, dy] = inputs as readonly [
        Operand,
        Operand,
        Operand,
        Operand,
        Operand,
        Operand,
      ];
      const [dQuery, dKey, dValue] = outputs as readonly [Operand, Operand, Operand];
      const sizes = sizesOf([query, key, value], attributes);
      const storage = storageOf([query, key, value, dy]);
      const { threads, resident, backwardBytes, suffix } = flashLaunch(storage, sizes);
      const all = sizes.batch * sizes.heads;
      const places = rowsPerHead(sizes.queries);
      const rows = emit.scratch([all * places, 4], 'f32');
      emit.kernel({
        kernel: { file: 'flashRows', name: 'flashRows' },
        blocks: (all * places) / 8,
        threads: 128,
        arguments: [
          reads(output),
          reads(dy),
          reads(emit.stored(statistics, 'f32')),
          writes(rows),
          i64(all * places),
          ...shapeArguments(sizes, attributes),
          i32(places),
          storageTag(output),
          storageTag(dy),
          i32(0),
        ],
      });
      const keyBlocks = all * Math.ceil(sizes.keys / resident);
      emit.kernel({
        kernel: { file: `flashBackward${suffix}`, name: `flashBackward${suffix}` },
        blocks: keyBlocks + all * Math.ceil(sizes.queries / resident),
        threads,
        sharedBytes: backwardBytes,
        arguments: [
          ...[query, key, value, dy].map((each) => reads(emit.stored(each, storage))),
          reads(rows),
          writes(dQuery),
          writes(dKey),
          writes(dValue),
          ...maskArguments(inputs[6], scoresOf(sizes, statistics)),
          ...shapeArguments(sizes, attributes),
          i32(places),
          u32(keyBlocks),
          storageTag(dQuery),
          storageTag(dKey),
          storageTag(dValue),
          i32(0),
        ],
      });
    },
  },
};

type Flash = OpAttributes['PeftFlashAttention'];

interface Sizes {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly size: number;
  readonly width: number;
}

const widest = 128;

function sizesOf([query, key, value]: readonly [Operand, Operand, Operand], { tokensFirst }: Flash): Sizes {
  const [first = 1, second, size] = [query.shape.at(-3), query.shape.at(-2), query.shape.at(-1)] as [
    number,
    number,
    number,
  ];
  const width = value.shape.at(-1) as number;
  if (Math.max(size, width) > widest) {
    throw new CudaError(
      'cuda/internal',
      `internal: flash attention has no kernel for heads of ${Math.max(size, width)} numbers, only up to ${widest}; please report it.`,
    );
  }
  return {
    batch: sizeOf(query.shape.slice(0, -3)),
    heads: tokensFirst ? second : first,
    queries: tokensFirst ? first : second,
    keys: key.shape.at(tokensFirst ? -3 : -2) as number,
    size,
    width,
  };
}

/** [..., heads, queries, keys] by the statistics [..., heads, queries, 2]. */
const scoresOf = ({ keys }: Sizes, { shape }: Operand) => [...shape.slice(0, -1), keys];

/** The fields of `AttentionShape` in kernels/flashAttention.cuh. */
function shapeArguments(sizes: Sizes, { tokensFirst, causal, scale }: Flash): readonly Argument[] {
  const { heads, queries, keys, size, width } = sizes;
  return [...[heads, queries, keys, size, width, Number(tokensFirst), Number(causal)].map(i32), f32(scale)];
}

const storageOf = (operands: readonly Operand[]): Storage & ('f32' | 'bf16') =>
  operands.some(({ storage }) => storage === 'bf16') ? 'bf16' : 'f32';
