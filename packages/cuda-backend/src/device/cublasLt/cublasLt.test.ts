import { expect, it } from 'vitest';
import { recordedDriver } from '../../../test/recording/recordedDriver.ts';
import type { Product } from '../products.ts';
import { type CublasLtOptions, cublasLt } from './cublasLt.ts';
import type { CublasLtFunctions } from './cublasLtFunctions.ts';

interface MadeUp {
  /** Units of work that a run with each of the proposed algorithms takes; Infinity refuses to run. */
  readonly proposals?: readonly number[];
  /** Statuses of calls by their names. */
  readonly failing?: Readonly<Record<string, number>>;
  readonly isUsable?: boolean;
}

/** A cuBLASLt whose algorithms take as long as told; it tells what it was given. */
function opened(
  { proposals = [1], failing = {}, isUsable = true }: MadeUp = {},
  options: Partial<CublasLtOptions> = {},
) {
  const recorded = recordedDriver({ device: { memory: 128 * 2 ** 20 } });
  const driver = recorded.open();
  const calls: [string, ...unknown[]][] = [];
  const living = new Set<bigint>();
  let next = 1n;
  // What a run puts in the stream that it is given, so that events see it take time.
  let work: { readonly put: (turns: number) => void } = { put: () => undefined };
  const created =
    (name: string) =>
    (cell: unknown, ...rest: unknown[]) => {
      const handle = next++;
      calls.push([name, handle, ...rest]);
      living.add(handle);
      (cell as BigUint64Array)[0] = handle;
      return 0;
    };
  const destroyed = () => (handle: unknown) => (living.delete(handle as bigint) ? 0 : 7);
  const set =
    (name: string) =>
    (...[handle, attribute, value, bytes]: unknown[]) => {
      calls.push([name, handle, attribute, Number((value as Int32Array)[0]), bytes]);
      return 0;
    };
  const functions: Record<keyof CublasLtFunctions, (...given: never[]) => number | string> = {
    cublasLtGetStatusName: (status) => `CUBLAS_STATUS_${status}`,
    cublasLtGetStatusString: () => 'as told',
    cublasLtGetVersion: () => 120_905,
    cublasLtCreate: created('create'),
    cublasLtDestroy: destroyed(),
    cublasLtMatmulDescCreate: created('describe'),
    cublasLtMatmulDescSetAttribute: set('set'),
    cublasLtMatmulDescDestroy: destroyed(),
    cublasLtMatrixLayoutCreate: created('layout'),
    cublasLtMatrixLayoutSetAttribute: set('set layout'),
    cublasLtMatrixLayoutDestroy: destroyed(),
    cublasLtMatmulPreferenceCreate: created('prefer'),
    cublasLtMatmulPreferenceSetAttribute: set('set preference'),
    cublasLtMatmulPreferenceDestroy: destroyed(),
    cublasLtMatmulAlgoGetHeuristic: (...given: unknown[]) => {
      const [most, results, count] = given.slice(7) as [number, Uint8Array, Int32Array];
      calls.push(['propose', most]);
      const proposed = proposals.slice(0, most);
      for (const index of proposed.keys()) results[96 * index] = index;
      count[0] = proposed.length;
      return 0;
    },
    cublasLtMatmulAlgoCheck: () => (isUsable ? 0 : 15),
    cublasLtMatmul: (...given: unknown[]) => {
      const algorithm = (given[12] as Uint8Array)[0] as number;
      const scalar = (place: number) => (given[place] as Float32Array)[0];
      const [a, b, c, d] = [3, 5, 8, 10].map((place) => given[place]);
      calls.push(['multiply', { algorithm, alpha: scalar(2), beta: scalar(7), a, b, c, d, workspace: given[13] }]);
      const time = proposals[algorithm] as number;
      if (!Number.isFinite(time)) return 15;
      work.put(time);
      return 0;
    },
  };
  const entries = Object.entries(functions).map(([name, run]) => [
    name,
    (...given: never[]) => failing[name] ?? run(...given),
  ]);
  // A stream of the driver that the algorithms can put their work in.
  const watched = {
    ...driver,
    openStream: () => {
      const stream = driver.openStream();
      const address = driver.allocate(16);
      work = {
        put: (turns) => {
          for (let turn = 0; turn < turns; turn++) stream.clear(address, 16);
        },
      };
      return {
        ...stream,
        close: () => {
          work = { put: () => undefined };
          driver.free(address);
          stream.close();
        },
      };
    },
  };
  const library = cublasLt(Object.fromEntries(entries) as unknown as CublasLtFunctions, {
    driver: watched,
    ...options,
  });
  return {
    library,
    calls,
    driver,
    multiplied: () => calls.filter(([name]) => name === 'multiply').map(([, what]) => what as Record<string, unknown>),
    close: () => {
      library.close();
      driver.close();
      expect([...living]).toEqual([]);
      expect(recorded.problems()).toEqual([]);
    },
  };
}

const plain: Product = {
  rows: 2,
  columns: 3,
  inner: 4,
  batch: 1,
  a: { storage: 'bf16', rowStride: 4, batchStride: 0, transposed: false },
  b: { storage: 'bf16', rowStride: 3, batchStride: 0, transposed: false },
  c: { storage: 'bf16', rowStride: 3, batchStride: 0 },
  alpha: 1,
  accumulate: false,
  tf32: false,
};
const addresses = { a: 0x100n, b: 0x200n, c: 0x300n, workspace: 0x1000n };

it('gives the product by rows as that of the transposes by columns, the operands exchanged', () => {
  const { library, calls, driver, multiplied, close } = opened();
  const stream = driver.openStream();
  library.prepare(plain).run(stream, addresses);
  const layouts = calls.filter(([name]) => name === 'layout').map(([, , ...rest]) => rest);
  expect(layouts).toEqual([
    [14, 3, 4, 3],
    [14, 4, 2, 4],
    [14, 3, 2, 3],
  ]);
  expect(calls.filter(([name]) => name === 'describe').map(([, , ...rest]) => rest)).toEqual([[68, 0]]);
  expect(calls.filter(([name]) => name === 'set').map(([, , ...rest]) => rest)).toEqual([
    [3, 0, 4],
    [4, 0, 4],
  ]);
  expect(multiplied()).toEqual([
    { algorithm: 0, alpha: 1, beta: 0, a: 0x200n, b: 0x100n, c: 0x300n, d: 0x300n, workspace: 0x1000n },
  ]);
  stream.close();
  close();
});

it('says what is transposed, batched, scaled, added and rounded', () => {
  const { library, calls, driver, multiplied, close } = opened();
  const product: Product = {
    ...plain,
    batch: 5,
    a: { storage: 'f32', rowStride: 20, batchStride: 80, transposed: true },
    b: { storage: 'f32', rowStride: 40, batchStride: 0, transposed: true },
    c: { storage: 'f32', rowStride: 30, batchStride: 60 },
    alpha: 0.5,
    accumulate: true,
    bias: 'f32',
    tf32: true,
  };
  const stream = driver.openStream();
  library.prepare(product).run(stream, { ...addresses, addend: 0x400n, bias: 0x500n });
  const named = (name: string) => calls.filter(([each]) => each === name).map(([, , ...rest]) => rest);
  expect(named('layout')).toEqual([
    [0, 4, 3, 40],
    [0, 2, 4, 20],
    [0, 3, 2, 30],
  ]);
  expect(named('set layout')).toEqual([
    [5, 5, 4],
    [6, 0, 8],
    [5, 5, 4],
    [6, 80, 8],
    [5, 5, 4],
    [6, 60, 8],
  ]);
  expect(named('describe')).toEqual([[77, 0]]);
  expect(named('set')).toEqual([
    [3, 1, 4],
    [4, 1, 4],
    [7, 4, 4],
    [8, 4096, 8],
    [8, 0x500, 8],
  ]);
  expect(multiplied()).toEqual([
    { algorithm: 0, alpha: 0.5, beta: 1, a: 0x200n, b: 0x100n, c: 0x400n, d: 0x300n, workspace: 0x1000n },
  ]);
  stream.close();
  close();
});

it('asks for algorithms within its workspace that add parts of sums in float32', () => {
  const { library, calls, close } = opened();
  library.prepare(plain);
  const set = calls.filter(([name]) => name === 'set preference').map(([, , ...rest]) => rest);
  expect(set).toEqual([[1, library.workspaceBytes, 8], [3, 2, 4], ...[5, 6, 7, 8].map((each) => [each, 16, 4])]);
  expect(library.workspaceBytes).toBe(32 * 2 ** 20);
  close();
});

it('takes the algorithm that is fastest on the device, leaving out those that do not run', () => {
  const { library, driver, multiplied, close } = opened({ proposals: [5, Number.POSITIVE_INFINITY, 2, 3] });
  const prepared = library.prepare(plain);
  const tried = multiplied().length;
  // Sixteen runs in a graph; the one that is refused ends its capture at once.
  expect(tried).toBe(3 * 16 + 1);
  const stream = driver.openStream();
  prepared.run(stream, addresses);
  expect(multiplied()[tried]).toMatchObject({ algorithm: 2 });
  expect(library.prepare({ ...plain })).toBe(prepared);
  expect(multiplied().length).toBe(tried + 1);
  stream.close();
  close();
});

it('takes the first proposal without trying where it is told to, or where memory is short', () => {
  const untuned = opened({ proposals: [5, 2] }, { tune: false });
  untuned.library.prepare(plain);
  expect(untuned.multiplied()).toEqual([]);
  expect(untuned.calls.filter(([name]) => name === 'propose')).toEqual([['propose', 1]]);
  untuned.close();
  const short = opened({ proposals: [5, 2] });
  const most = short.driver.allocate(96 * 2 ** 20);
  short.library.prepare(plain);
  expect(short.multiplied()).toEqual([]);
  short.driver.free(most);
  short.close();
});

it('keeps the choice by device, library and product, and tries anew what no longer serves', () => {
  const kept = new Map<string, Uint8Array>();
  const cache = {
    read: (key: readonly string[]) => kept.get(key.join('|')),
    write: (key: readonly string[], content: Uint8Array) => void kept.set(key.join('|'), content),
  };
  const first = opened({ proposals: [5, 2] }, { cache });
  first.library.prepare(plain);
  first.close();
  expect([...kept].map(([key, algorithm]) => [key, algorithm[0], algorithm.length])).toEqual([
    [`algorithm|120905|Recorded H200|132|${JSON.stringify(plain)}`, 1, 64],
  ]);
  const second = opened({ proposals: [5, 2] }, { cache });
  const stream = second.driver.openStream();
  second.library.prepare(plain).run(stream, addresses);
  expect(second.multiplied()).toEqual([expect.objectContaining({ algorithm: 1 })]);
  stream.close();
  second.close();
  const third = opened({ proposals: [1, 2], isUsable: false }, { cache });
  third.library.prepare(plain);
  expect(third.multiplied().length).toBe(32);
  expect([...kept.values()].map(([algorithm]) => algorithm)).toEqual([0]);
  third.close();
});

it('has another algorithm for operands that lie at smaller multiples', () => {
  const { library, calls, driver, close } = opened();
  const stream = driver.openStream();
  const prepared = library.prepare(plain);
  for (const a of [0x100n, 0x104n, 0x10cn]) prepared.run(stream, { ...addresses, a });
  const alignments = calls.filter(([name, , attribute]) => name === 'set preference' && attribute === 5);
  expect(alignments.map(([, , , alignment]) => alignment)).toEqual([16, 4]);
  stream.close();
  close();
});

it('says what no library multiplies, and what this one refuses', () => {
  const { library, close } = opened();
  const mixed: Product = { ...plain, b: { ...plain.b, storage: 'f32' } };
  expect(() => library.prepare(mixed)).toThrow('internal: no product of bf16 by f32 gives bf16; please report it.');
  expect(() => library.prepare({ ...plain, bias: 'f32' })).toThrow(
    'internal: no product of bf16 by bf16 gives bf16 with a bias of f32; please report it.',
  );
  close();
  const none = opened({ proposals: [] });
  expect(() => none.library.prepare({ ...plain, batch: 2 })).toThrow(
    expect.objectContaining({
      code: 'cuda/product',
      message: 'cuBLASLt has no algorithm for 2 products of bf16 [2, 4] by bf16 [4, 3] to bf16; please report it.',
    }),
  );
  none.close();
  const refused = opened({ proposals: [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY] });
  expect(() => refused.library.prepare({ ...plain, a: { ...plain.a, transposed: true } })).toThrow(
    'cuBLASLt runs none of its algorithms for bf16 [2, 4] transposed by bf16 [4, 3] to bf16; please report it.',
  );
  refused.close();
  const failing = opened({ failing: { cublasLtMatmul: 13 } });
  const stream = failing.driver.openStream();
  expect(() => failing.library.prepare(plain).run(stream, addresses)).toThrow(
    'cublasLtMatmul of bf16 [2, 4] by bf16 [4, 3] to bf16 fails with CUBLAS_STATUS_13 (as told); please report it with the versions that peft-cuda doctor prints.',
  );
  stream.close();
  failing.close();
  expect(() => opened({ failing: { cublasLtCreate: 1 } })).toThrow(
    'cublasLtCreate fails with CUBLAS_STATUS_1 (as told)',
  );
});
