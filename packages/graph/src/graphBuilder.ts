import type { Constant, Graph, Node, Value } from './graph.ts';
import type { OpAttributes, OpName } from './ops/opAttributes.ts';
import { rowOf } from './ops/opTable.ts';
import { sizeOf, type TensorType, type TypedArray } from './tensorType.ts';

/** Collects nodes and constants; shapes follow from the op table. */
export class GraphBuilder {
  readonly constants: Constant[] = [];
  readonly nodes: Node[] = [];
  readonly #producers = new Map<Value, Node>();
  readonly #constants = new Map<Value, Constant>();

  /** A new node's outputs. @throws GraphError `graph/shape`, `graph/dtype` */
  add<Op extends OpName>(op: Op, inputs: readonly Value[], attributes: OpAttributes[Op]): readonly Value[] {
    const types = rowOf(op).shape(inputs, attributes as Node['attributes']);
    const outputs = types.map(({ shape, dtype }) => ({ shape: [...shape], dtype }));
    this.push({ op, inputs, attributes, outputs } as unknown as Node);
    return outputs;
  }

  constant(type: TensorType, data: number | TypedArray): Value {
    const value = { shape: [...type.shape], dtype: type.dtype };
    const single = typeof data !== 'number' && sizeOf(type.shape) === 1;
    this.keep({ value, data: single ? (data[0] as number) : data });
    return value;
  }

  push(node: Node): void {
    this.nodes.push(node);
    for (const output of node.outputs) this.#producers.set(output, node);
  }

  keep(constant: Constant): void {
    this.constants.push(constant);
    this.#constants.set(constant.value, constant);
  }

  /** The node that makes this value; undefined for inputs, parameters and constants. */
  producerOf(value: Value): Node | undefined {
    return this.#producers.get(value);
  }

  constantOf(value: Value): Constant | undefined {
    return this.#constants.get(value);
  }

  /** The number that fills a value, where the graph knows it. */
  splatOf(value: Value): number | undefined {
    const data = this.#constants.get(value)?.data;
    return typeof data === 'number' ? data : undefined;
  }

  finish({ inputs, parameters, outputs, structure }: Omit<Graph, 'constants' | 'nodes'>): Graph {
    return { inputs, parameters, constants: this.constants, nodes: this.nodes, outputs, structure };
  }
}
