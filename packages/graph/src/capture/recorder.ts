import type * as tf from '@tensorflow/tfjs';
import type { Parameter, Value } from '../graph.ts';
import { GraphBuilder } from '../graphBuilder.ts';
import { GraphError } from '../graphError.ts';
import type { OpName } from '../ops/opAttributes.ts';
import { rowOf } from '../ops/opTable.ts';
import { dtypeOf, sizeOf, type TensorType, type TypedArray, typedArray, typeText } from '../tensorType.ts';
import { uniformValue } from './uniformValue.ts';
import { atPlace } from './userPlace.ts';

export interface RecorderOptions {
  /** Names of tensors and host arrays that the function may read where they are. */
  readonly parameters: Readonly<Record<string, tf.Tensor | TypedArray>>;
  /** Elements above which an uneven array made inside the function is refused. */
  readonly constantLimit: number;
}

/** What one capture has seen: which abstract tensor stands for which value of the graph. */
export class Recorder {
  readonly builder = new GraphBuilder();
  readonly parameters: Parameter[] = [];
  readonly #values = new Map<object, Value>();
  readonly #names = new Map<Value, string>();
  readonly #foreign = new Map<object, Map<string, Value>>();
  readonly #hostNames = new Map<unknown, string>();
  readonly #hostValues = new Map<unknown, Value>();
  readonly #tensorNames = new Map<object, string>();
  readonly #limit: number;

  constructor({ parameters, constantLimit }: RecorderOptions) {
    this.#limit = constantLimit;
    for (const [name, source] of Object.entries(parameters)) {
      if (ArrayBuffer.isView(source)) this.#hostNames.set(source, name);
      else this.#tensorNames.set(source.dataId, name);
    }
  }

  /** Makes `dataId` stand for `value`. */
  define(dataId: object, value: Value, name?: string): void {
    this.#values.set(dataId, value);
    if (name !== undefined) this.#names.set(value, name);
  }

  forget(dataId: object): void {
    this.#values.delete(dataId);
  }

  isOwn(dataId: object): boolean {
    return this.#values.has(dataId);
  }

  /** Records a kernel call and returns the values it makes. */
  record(op: OpName, inputs: readonly tf.TensorInfo[], raw: Readonly<Record<string, unknown>>): readonly Value[] {
    const values = inputs.map((each) => this.valueOf(each));
    try {
      const attributes = rowOf(op).attributes?.(raw, values) ?? {};
      const unknown = Object.keys(raw).filter((key) => raw[key] !== undefined && !(key in attributes));
      if (unknown.length > 0) {
        throw new GraphError(
          'graph/unsupported',
          `the op table does not know its attribute ${unknown.join(', ')}; use versions of @peft/graph and of the operation that belong together.`,
        );
      }
      return this.builder.add(op, values, attributes as never);
    } catch (error) {
      if (!(error instanceof GraphError)) throw error;
      const place = atPlace(new Error().stack);
      throw new GraphError(error.code, `capture: ${op}${place}: ${error.message}`, { cause: error });
    }
  }

  /** The value of a tensor; one made outside the capture becomes a parameter. */
  valueOf(tensor: tf.TensorInfo): Value {
    const { dataId, shape, dtype } = tensor;
    const known = this.#values.get(dataId);
    if (known) return known;
    const type = { shape: [...shape], dtype: dtypeOf(dtype) };
    const views = this.#foreign.get(dataId) ?? new Map<string, Value>();
    this.#foreign.set(dataId, views);
    const before = views.get(typeText(type));
    if (before) return before;
    const base = this.#tensorNames.get(dataId);
    const name = base !== undefined && views.size === 0 ? base : `parameter${this.parameters.length}`;
    views.set(typeText(type), this.#parameter(name, type, tensor as tf.Tensor));
    return views.get(typeText(type)) as Value;
  }

  /** The value of an array that the function hands to tfjs. */
  write(values: ArrayLike<number>, type: TensorType): Value {
    const name = this.#hostNames.get(values);
    if (name !== undefined) {
      const value = this.#hostValues.get(values) ?? this.#parameter(name, type, values as TypedArray);
      this.#hostValues.set(values, value);
      return value;
    }
    const uniform = uniformValue(values);
    if (uniform !== undefined) return this.builder.constant(type, uniform);
    if (sizeOf(type.shape) > this.#limit) {
      throw new GraphError(
        'graph/constant',
        `capture: ${typeText(type)} of uneven values is made inside the function${atPlace(new Error().stack)}, and every ` +
          'run would repeat these values: random numbers would be drawn once for ever. Use dropout of @peft/ops for a ' +
          'mask, pass what changes from run to run as an input, and make what never changes before the capture.',
      );
    }
    return this.builder.constant(type, typedArray(type.dtype, values));
  }

  /** Says what a tensor is, for errors. */
  describe(dataId: object): string {
    const value = this.#values.get(dataId) as Value;
    const name = this.#names.get(value);
    if (name !== undefined) return `input "${name}" (${typeText(value)})`;
    const producer = this.builder.producerOf(value);
    return producer ? `the result of ${producer.op} (${typeText(value)})` : `a constant (${typeText(value)})`;
  }

  #parameter(name: string, type: TensorType, source: Parameter['source']): Value {
    const value = { shape: [...type.shape], dtype: type.dtype };
    this.parameters.push({ name, value, source });
    return value;
  }
}
