import { bytesPerNumber } from '../../plan/storage.ts';
import type { Address, Driver, Stream } from '../driver.ts';
import type { Matrix, Product, ProductAddresses } from '../products.ts';

/** Runs a product with an algorithm. */
export type RunAlgorithm = (algorithm: Uint8Array, stream: Stream, addresses: ProductAddresses) => void;

interface Trial {
  readonly driver: Driver;
  readonly product: Product;
  readonly workspaceBytes: number;
  readonly run: RunAlgorithm;
}

const rounds = 3;

/**
 * The algorithm that takes the least time on the device, on memory of its own; the first where there is too little memory
 * to try, undefined where none runs.
 */
export function fastestAlgorithm(
  algorithms: readonly Uint8Array[],
  { driver, product, workspaceBytes, run }: Trial,
): Uint8Array | undefined {
  if (algorithms.length < 2) return algorithms[0];
  const sizes = sizesOf(product);
  const wanted = sizes.reduce((sum, bytes) => sum + bytes, workspaceBytes);
  // What is left is for plans: a trial does not crowd them out.
  if (wanted > driver.freeMemory() / 2) return algorithms[0];
  const allocated: Address[] = [];
  const allocate = (bytes: number) => {
    const address = driver.allocate(bytes);
    allocated.push(address);
    return address;
  };
  const stream = driver.openStream();
  const [start, end] = [driver.createEvent(), driver.createEvent()];
  try {
    const [a, b, c, bias] = sizes.map((bytes) => {
      const address = allocate(bytes);
      stream.clear(address, bytes);
      return address;
    }) as [Address, Address, Address, Address];
    const addresses = { a, b, c, bias, workspace: allocate(workspaceBytes) };
    const times = algorithms.map((algorithm) => {
      try {
        const graph = stream.capture(() => {
          for (let turn = 0; turn < turnsOf(product); turn++) run(algorithm, stream, addresses);
        });
        try {
          stream.launchGraph(graph);
          const measured = Array.from({ length: rounds }, () => {
            stream.record(start);
            stream.launchGraph(graph);
            stream.record(end);
            stream.synchronize();
            return end.since(start);
          });
          return Math.min(...measured);
        } finally {
          graph.destroy();
        }
      } catch {
        // The library proposes some that it then refuses to run.
        return Number.POSITIVE_INFINITY;
      }
    });
    const least = Math.min(...times);
    return Number.isFinite(least) ? algorithms[times.indexOf(least)] : undefined;
  } finally {
    start.destroy();
    end.destroy();
    stream.close();
    for (const address of allocated) driver.free(address);
  }
}

/** As many runs as take some tens of microseconds on a large device: one alone is lost in the time of a launch. */
function turnsOf({ rows, columns, inner, batch }: Product): number {
  return Math.max(1, Math.min(16, Math.round(2e10 / (2 * rows * columns * inner * batch))));
}

/** Bytes of a, b, c and bias. */
function sizesOf({ rows, columns, inner, batch, a, b, c }: Product): readonly number[] {
  const bytes = ({ storage, rowStride, batchStride }: Matrix, [height, width]: readonly [number, number]) =>
    ((batch - 1) * batchStride + (height - 1) * rowStride + width) * bytesPerNumber(storage);
  return [
    bytes(a, a.transposed ? [inner, rows] : [rows, inner]),
    bytes(b, b.transposed ? [columns, inner] : [inner, columns]),
    bytes(c, [rows, columns]),
    4 * columns,
  ];
}
