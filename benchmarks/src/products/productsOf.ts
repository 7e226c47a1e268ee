import { PeftError } from '@peft/core';
import type { Graph, Node } from '@peft/graph';

/** A product of matrices: `batch` times [m, k] by [k, n], with operands stored transposed or not. */
export type Product = {
  readonly batch: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
};

/** One product and how often a graph runs it. */
export type CountedProduct = Product & { readonly count: number };

/** Multiplications and additions of one product. */
export function flopsOf({ batch, m, k, n }: Product): number {
  return 2 * batch * m * k * n;
}

export function totalFlops(products: readonly CountedProduct[]): number {
  return products.reduce((sum, product) => sum + product.count * flopsOf(product), 0);
}

/**
 * The products a graph runs, equal ones counted together, the most work first.
 * @throws PeftError `bench/products` for an operation that sounds like a product and is not known here.
 */
export function productsOf({ nodes }: Pick<Graph, 'nodes'>): readonly CountedProduct[] {
  const counts = new Map<string, CountedProduct>();
  for (const product of nodes.flatMap(productsOfNode)) {
    const { batch, m, k, n, transposeA, transposeB } = product;
    const key = [batch, m, k, n, transposeA, transposeB].join();
    counts.set(key, { ...product, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  const work = (product: CountedProduct) => product.count * flopsOf(product);
  return [...counts.values()].sort((left, right) => work(right) - work(left));
}

// By name, so that a graph of a later version is counted or refused, never misread.
function productsOfNode(node: Node): readonly Product[] {
  const { op, inputs, outputs, attributes } = node as AnyNode;
  switch (op) {
    case 'BatchMatMul':
    case 'PeftMatMul':
      return [plainProduct(inputs, outputs, attributes)];
    case 'PeftLinearCrossEntropy':
      return headProducts(inputs, attributes).slice(0, 1);
    case 'PeftLinearCrossEntropyWithGradient':
      return headProducts(inputs, attributes);
    case 'PeftAttention':
      return attentionProducts(inputs);
    case 'PeftAttentionGrad':
      // dy . value', of its inputs value, probabilities, dy.
      return [between(inputs[2] as Shaped, inputs[0] as Shaped, { transposeA: false, transposeB: true })];
    default:
      if (!/MatMul|Gemm|Linear|Attention|Lora|Einsum|Product/i.test(op)) return [];
      throw new PeftError(
        'bench/products',
        `the graph has an operation ${op}, whose matrix products are not counted; add it to productsOf.`,
      );
  }
}

type Shaped = { readonly shape: readonly number[] };
type Attributes = Readonly<Record<string, unknown>>;
type AnyNode = {
  readonly op: string;
  readonly inputs: readonly Shaped[];
  readonly outputs: readonly Shaped[];
  readonly attributes: Attributes;
};
type Transposes = { readonly transposeA: boolean; readonly transposeB: boolean };

function plainProduct(inputs: readonly Shaped[], [output]: readonly Shaped[], attributes: Attributes): Product {
  const [a, b] = inputs as [Shaped, Shaped];
  const transposes = { transposeA: attributes.transposeA === true, transposeB: attributes.transposeB === true };
  return { ...between(a, b, transposes), batch: sizeOf((output as Shaped).shape.slice(0, -2)) };
}

function between(a: Shaped, b: Shaped, { transposeA, transposeB }: Transposes): Product {
  const [rows, columns] = a.shape.slice(-2) as [number, number];
  const n = b.shape.at(transposeB ? -2 : -1) as number;
  const [m, k] = transposeA ? [columns, rows] : [rows, columns];
  return { batch: sizeOf(a.shape.slice(0, -2)), m, k, n, transposeA, transposeB };
}

/** Scores, and the values mixed by them. */
function attentionProducts(inputs: readonly Shaped[]): readonly Product[] {
  const [query, key, value] = inputs as [Shaped, Shaped, Shaped];
  const scores = between(query, key, { transposeA: false, transposeB: true });
  const probabilities = { shape: [scores.batch, scores.m, scores.n] };
  return [scores, between(probabilities, value, { transposeA: false, transposeB: false })];
}

/** Of a head and its loss in chunks: the logits, and from them the gradient of the hidden states. */
function headProducts(inputs: readonly Shaped[], { transposeWeight }: Attributes): readonly Product[] {
  const [hidden, weight] = inputs.map(({ shape }) => shape) as [readonly number[], readonly number[]];
  const k = hidden.at(-1) as number;
  const m = sizeOf(hidden.slice(0, -1));
  const isTransposed = transposeWeight === true;
  const n = weight[isTransposed ? 0 : 1] as number;
  return [
    { batch: 1, m, k, n, transposeA: false, transposeB: isTransposed },
    { batch: 1, m, k: n, n: k, transposeA: false, transposeB: !isTransposed },
  ];
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}
