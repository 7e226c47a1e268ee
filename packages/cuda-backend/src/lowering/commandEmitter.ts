import type { TensorType, TypedArray } from '@peft/graph';
import { CudaError } from '../cudaError.ts';
import type { DeviceDescription } from '../device/driver.ts';
import type { Command, KernelCommand } from '../plan/command.ts';
import { type Operand, spanOf } from '../plan/operand.ts';
import type { Region } from '../plan/region.ts';
import { bytesPerNumber, type Storage } from '../plan/storage.ts';
import { toBf16 } from '../plan/toBf16.ts';
import { convertCommand } from './convertCommand.ts';
import { emitProduct } from './emitProduct.ts';
import type { Emitter, Precision, ProductCall } from './emitter.ts';

export interface EmitterOptions {
  readonly device: DeviceDescription;
  readonly precision: Precision;
  /** Whether a library of products is there; without one they run on kernels of this package. */
  readonly hasProductLibrary: boolean;
}

type Unlabelled<Each = Command> = Each extends Command ? Omit<Each, 'node'> : never;

/** Collects commands, and the memory they name. */
export class CommandEmitter implements Emitter {
  readonly device: DeviceDescription;
  readonly precision: Precision;
  readonly commands: Command[] = [];
  /** Regions with data, each once. */
  readonly constants = new Map<string, Region>();
  /** Weights by path and storage. */
  readonly weights = new Map<string, { readonly path: string; readonly operand: Operand }>();
  readonly #hasProductLibrary: boolean;
  readonly #copies = new Map<Region, Map<string, Operand>>();
  #node = '';

  constructor({ device, precision, hasProductLibrary }: EmitterOptions) {
    this.device = device;
    this.precision = precision;
    this.#hasProductLibrary = hasProductLibrary;
  }

  /** Whose commands follow. */
  begin(node: string): void {
    this.#node = node;
  }

  kernel(command: Omit<KernelCommand, 'kind'>): void {
    // Of tensors without numbers: the device refuses a launch of no blocks.
    if (command.blocks > 0) this.#push({ kind: 'kernel', ...command });
  }

  product(call: ProductCall): void {
    emitProduct(call, { emit: this, run: (product) => this.#push(product), hasLibrary: this.#hasProductLibrary });
  }

  clear(operand: Operand): void {
    if (spanOf(operand) > 0) this.#push({ kind: 'clear', operand });
  }

  copy(from: Operand, to: Operand): void {
    if (spanOf(from) !== spanOf(to)) {
      throw new CudaError(
        'cuda/internal',
        `internal: ${this.#node} copies ${spanOf(from)} bytes to ${spanOf(to)}; please report it.`,
      );
    }
    if (spanOf(to) > 0) this.#push({ kind: 'copy', from, to });
  }

  scratch(shape: readonly number[], storage: Storage): Operand {
    const dtype = storage === 'i32' ? 'int32' : storage === 'u8' ? 'bool' : 'float32';
    return this.allocate({ shape, dtype }, { storage, kind: 'arena', label: `${this.#node}, scratch` });
  }

  constant(data: TypedArray, shape: readonly number[]): Operand {
    const [storage, dtype] =
      data instanceof Float32Array
        ? (['f32', 'float32'] as const)
        : data instanceof Int32Array
          ? (['i32', 'int32'] as const)
          : (['u8', 'bool'] as const);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return { shape, dtype, storage, region: this.#constantRegion(bytes), offset: 0 };
  }

  stored(operand: Operand, storage: Storage): Operand {
    if (operand.storage === storage) return operand;
    const { region, offset, shape } = operand;
    const key = `${storage} ${offset} ${spanOf(operand)}`;
    const copies = this.#copies.get(region) ?? new Map<string, Operand>();
    this.#copies.set(region, copies);
    const copy = copies.get(key) ?? this.#converted(operand, storage);
    copies.set(key, copy);
    return { ...copy, shape, ...(operand.rowStride === undefined ? {} : { rowStride: operand.rowStride }) };
  }

  /** A frozen parameter as it lies in one storage. */
  weight(path: string, type: TensorType, storage: Storage): Operand {
    const key = `${storage} ${path}`;
    const known = this.weights.get(key)?.operand;
    if (known) return known;
    const operand = this.allocate(type, { storage, kind: 'weight', label: path });
    this.weights.set(key, { path, operand });
    return operand;
  }

  /** New memory. */
  allocate(
    { shape, dtype }: TensorType,
    { storage, kind, label }: { readonly storage: Storage } & Pick<Region, 'kind' | 'label'>,
  ): Operand {
    const bytes = spanOf({ shape, storage });
    return { shape, dtype, storage, region: { kind, bytes, label }, offset: 0 };
  }

  #converted(operand: Operand, storage: Storage): Operand {
    const { region, offset, dtype } = operand;
    const shape = [spanOf(operand) / bytesPerNumber(operand.storage)];
    if (region.kind === 'weight') {
      const ratio = bytesPerNumber(storage) / bytesPerNumber(operand.storage);
      const count = region.bytes / bytesPerNumber(operand.storage);
      const whole = this.weight(region.label, { shape: [count], dtype }, storage);
      return { ...whole, shape, offset: offset * ratio };
    }
    if (region.data && operand.storage === 'f32' && storage === 'bf16') {
      const numbers = new Float32Array(region.data.buffer, region.data.byteOffset + offset, shape[0]);
      const bits = toBf16(numbers);
      return { shape, dtype, storage, offset: 0, region: this.#constantRegion(new Uint8Array(bits.buffer)) };
    }
    const to = this.allocate({ shape, dtype }, { storage, kind: 'arena', label: `${region.label}, as ${storage}` });
    this.kernel(convertCommand({ shape, dtype, storage: operand.storage, region, offset }, to, this.device));
    return to;
  }

  #constantRegion(data: Uint8Array): Region {
    const key = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1');
    const known = this.constants.get(key);
    if (known) return known;
    const region: Region = { kind: 'constant', bytes: data.byteLength, label: 'a constant', data };
    this.constants.set(key, region);
    return region;
  }

  #push(command: Unlabelled): void {
    this.commands.push({ ...command, node: this.#node } as Command);
  }
}
