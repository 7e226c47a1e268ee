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

function productsOfNode(node: Node): readonly Product[] {
  switch (node.op) {
    case 'BatchMatMul':
    case 'PeftMatMul':
      return [plainProduct(node)];
    case 'PeftLinearCrossEntropy':
      return headProducts(node).slice(0, 1);
    case 'PeftLinearCrossEntropyWithGradient':
      return headProducts(node);
    default:
      if (!/MatMul|Gemm|Linear|Attention|Lora|Einsum|Product/i.test(node.op)) return [];
      throw new PeftError(
        'bench/products',
        `the graph has an operation ${node.op}, whose matrix products are not counted; add it to productsOf.`,
      );
  }
}

type Transposes = { readonly transposeA: boolean; readonly transposeB: boolean };

function plainProduct({ inputs, outputs, attributes }: Pick<Node, 'inputs' | 'outputs'> & { attributes: Transposes }) {
  const { transposeA, transposeB } = attributes;
  const [a] = inputs.map(({ shape }) => shape) as [readonly number[]];
  const [output] = outputs.map(({ shape }) => shape) as [readonly number[]];
  const [m, n] = output.slice(-2) as [number, number];
  const k = (transposeA ? a.at(-2) : a.at(-1)) as number;
  return { batch: sizeOf(output.slice(0, -2)), m, k, n, transposeA, transposeB };
}

/** Of a head and its loss in chunks: the logits, and from them the gradient of the hidden states. */
function headProducts({
  inputs,
  attributes,
}: Pick<Node, 'inputs'> & { readonly attributes: { readonly transposeWeight: boolean } }): readonly Product[] {
  const [hidden, weight] = inputs.map(({ shape }) => shape) as [readonly number[], readonly number[]];
  const k = hidden.at(-1) as number;
  const m = sizeOf(hidden.slice(0, -1));
  const { transposeWeight } = attributes;
  const n = weight[transposeWeight ? 0 : 1] as number;
  return [
    { batch: 1, m, k, n, transposeA: false, transposeB: transposeWeight },
    { batch: 1, m, k: n, n: k, transposeA: false, transposeB: !transposeWeight },
  ];
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}
