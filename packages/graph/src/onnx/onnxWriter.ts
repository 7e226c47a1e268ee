/** Element types by their number in ONNX's TensorProto. */
export const onnxTypes = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11, uint32: 12 } as const;

export type OnnxType = keyof typeof onnxTypes;

export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

export type OnnxAttributes = Readonly<Record<string, OnnxAttribute>>;

interface Several {
  readonly attributes?: OnnxAttributes;
  readonly count: number;
}

/** Which operations a model may use: those of the standard alone, or ONNX Runtime's own (com.microsoft) too. */
export type OnnxDialect = 'standard' | 'onnxruntime';

export const onnxRuntimeDomain = 'com.microsoft';

export interface OnnxNode {
  readonly op: string;
  /** The standard's unless given. */
  readonly domain?: typeof onnxRuntimeDomain;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: OnnxAttributes;
  /** The operation of the graph that the node is part of, for errors. */
  readonly origin: string;
}

/** Small numbers of the model itself. */
export interface OnnxConstant {
  readonly name: string;
  readonly type: OnnxType;
  readonly dims: readonly number[];
  readonly values: ArrayLike<number>;
}

/** Lists above this length are not compared with those before: the graph's own passes have merged them. */
const comparedLength = 64;

/**
 * Collects the nodes and small constants of an ONNX graph under fresh names. Equal constants are one, unless `shares` is
 * false: then each has a name of its own, the same for the same calls.
 */
export class OnnxWriter {
  readonly nodes: OnnxNode[] = [];
  readonly constants: OnnxConstant[] = [];
  /** What the nodes added from now on are part of. */
  origin = '';
  readonly #known = new Map<string, string>();
  readonly dialect: OnnxDialect;
  readonly #shares: boolean;
  #made = 0;

  constructor({
    shares = true,
    dialect = 'standard',
  }: { readonly shares?: boolean; readonly dialect?: OnnxDialect } = {}) {
    this.#shares = shares;
    this.dialect = dialect;
  }

  /** Adds a node with one output. A number of `attributes` is an int; wrap a float as { float }. */
  node(op: string, inputs: readonly string[], attributes: OnnxAttributes = {}): string {
    const output = `%${this.#made++}`;
    this.nodes.push({ op, inputs, outputs: [output], attributes, origin: this.origin });
    return output;
  }

  /** Adds a node of ONNX Runtime's own, for the dialect that has them. */
  ofRuntime(op: string, inputs: readonly string[], attributes: OnnxAttributes = {}): string {
    const output = `%${this.#made++}`;
    const { origin } = this;
    this.nodes.push({ op, domain: onnxRuntimeDomain, inputs, outputs: [output], attributes, origin });
    return output;
  }

  several(op: string, inputs: readonly string[], { attributes = {}, count }: Several): readonly string[] {
    const outputs = Array.from({ length: count }, () => `%${this.#made++}`);
    this.nodes.push({ op, inputs, outputs, attributes, origin: this.origin });
    return outputs;
  }

  /** A constant; 0-d for a number, 1-d for a list, unless a shape is given. */
  constant(type: OnnxType, values: number | ArrayLike<number>, shape?: readonly number[]): string {
    const list = typeof values === 'number' ? [values] : values;
    const dims = shape ?? (typeof values === 'number' ? [] : [values.length]);
    if (!this.#shares || list.length > comparedLength) return this.#add(type, list, dims);
    let key = `${type}[${dims}]`;
    for (let index = 0; index < list.length; index++) {
      key += Object.is(list[index], -0) ? ' -0' : ` ${list[index]}`;
    }
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const name = this.#add(type, list, dims);
    this.#known.set(key, name);
    return name;
  }

  #add(type: OnnxType, values: ArrayLike<number>, dims: readonly number[]): string {
    const name = `%constant${this.constants.length}`;
    this.constants.push({ name, type, dims, values });
    return name;
  }
}
