import { sizeOf } from '@peft/core';
import { CudaError } from '../cudaError.ts';
import type { Address, Stream } from '../device/driver.ts';
import type { KernelLibrary } from '../device/kernelLibrary.ts';
import type { ProductLibrary } from '../device/products.ts';
import type { Command } from '../plan/command.ts';
import type { Operand } from '../plan/operand.ts';
import { type AddressOf, parametersOf, tableOf } from '../plan/parametersOf.ts';
import { bytesPerNumber } from '../plan/storage.ts';

/** One thing to put in a stream, ready. */
export interface Call {
  readonly node: string;
  readonly put: (stream: Stream) => void;
}

export interface LoadContext {
  readonly kernels: KernelLibrary;
  readonly products: ProductLibrary | undefined;
  readonly addressOf: AddressOf;
  /** Scratch memory of the product library. */
  readonly workspace: Address;
  /** Takes the table of a launch of several, whose region has no data. */
  readonly putTable: (address: Address, table: Uint8Array) => void;
}

/** The commands of a plan as calls with addresses. Their kernels are loaded and their products prepared. */
export function loadPlan(commands: readonly Command[], context: LoadContext): readonly Call[] {
  return commands.map((command) => ({ node: command.node, put: putOf(command, context) }));
}

/** Puts calls in a stream. @throws CudaError of the device, with the operation that it failed for */
export function putCalls(calls: readonly Call[], stream: Stream, { isEachWaitedFor = false } = {}): void {
  for (const { node, put } of calls) {
    try {
      put(stream);
      if (isEachWaitedFor) stream.synchronize();
    } catch (cause) {
      if (!(cause instanceof CudaError)) throw cause;
      throw new CudaError(cause.code, `${node}: ${cause.message}`, { cause });
    }
  }
}

function putOf(command: Command, context: LoadContext): Call['put'] {
  const { kernels, products, addressOf, workspace, putTable } = context;
  const at = ({ region, offset }: Operand) => addressOf(region) + BigInt(offset);
  switch (command.kind) {
    case 'kernel': {
      const { blocks, threads, sharedBytes = 0 } = command;
      const kernel = kernels.kernel(command.kernel, { sharedBytes });
      const launch = { blocks, threads, sharedBytes, parameters: parametersOf(command.arguments, addressOf) };
      return (stream) => stream.launch(kernel, launch);
    }
    case 'many': {
      const { blocks, threads, sharedBytes = 0, entries, table } = command;
      const kernel = kernels.kernel(command.kernel, { many: true, sharedBytes });
      const { bytes, parameters } = tableOf(command, addressOf);
      putTable(addressOf(table), bytes);
      const launch = { blocks: blocks * entries.length, threads, sharedBytes, parameters };
      return (stream) => stream.launch(kernel, launch);
    }
    case 'product': {
      const { a, b, c, addend, bias } = command;
      const product = (products as ProductLibrary).prepare(command.product);
      const addresses = {
        a: at(a),
        b: at(b),
        c: at(c),
        ...(addend ? { addend: at(addend) } : {}),
        ...(bias ? { bias: at(bias) } : {}),
        workspace,
      };
      return (stream) => product.run(stream, addresses);
    }
    case 'clear': {
      const [address, bytes] = [at(command.operand), bytesIn(command.operand)];
      return (stream) => stream.clear(address, bytes);
    }
    case 'copy': {
      const [to, from, bytes] = [at(command.to), at(command.from), bytesIn(command.to)];
      return (stream) => stream.copy(to, from, bytes);
    }
  }
}

function bytesIn({ shape, storage }: Operand): number {
  return sizeOf(shape) * bytesPerNumber(storage);
}
