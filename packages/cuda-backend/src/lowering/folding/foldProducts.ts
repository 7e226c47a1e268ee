import { sizeOf } from '@peft/core';
import type { Node, Value } from '@peft/graph';
import type { Step, StepContext, StepPass } from '../step.ts';
import { type Factor, type FoldedProduct, foldedProductOf, stepOfParts, stepOfProduct } from './foldedProduct.ts';
import { withoutUnread } from './withoutUnread.ts';

/**
 * Products take over what surrounds them: multiples of a factor or of the product become its alpha, a row that is added
 * its bias, anything else that is added its addend. Only where nobody else reads what would no longer be made.
 */
export const foldProducts: StepPass = (steps, context) => {
  const folding = new Folding(steps, context);
  for (const [index, step] of steps.entries()) folding.take(step, index);
  return withoutUnread(folding.steps(), context.returned);
};

class Folding {
  readonly #context: StepContext;
  readonly #makers = new Map<Value, Step>();
  readonly #readers = new Map<Value, number>();
  readonly #places: (Step | undefined)[] = [];
  readonly #products = new Map<Value, { readonly product: FoldedProduct; readonly place: number }>();

  constructor(steps: readonly Step[], context: StepContext) {
    this.#context = context;
    const read = (value: Value) => this.#readers.set(value, (this.#readers.get(value) ?? 0) + 1);
    for (const step of steps) {
      step.inputs.forEach(read);
      for (const output of step.outputs) this.#makers.set(output, step);
    }
    context.returned.forEach(read);
  }

  take(step: Step, place: number): void {
    const { node } = step;
    this.#places[place] = step;
    if (node?.op === 'PeftMatMul' || node?.op === 'BatchMatMul') {
      this.#put(this.#withPartialFactors(this.#withScaledFactors(foldedProductOf(node, step.label))), place);
    } else if (node?.op === 'Multiply') {
      const product = this.#multiple(node);
      if (product) this.#put(product, place);
    } else if (node?.op === 'Add') {
      const product = this.#sum(node);
      if (product) this.#put(product, place);
    } else if (node?.op === 'Concat') {
      const parts = this.#parts(node);
      if (parts) this.#places[place] = stepOfParts(parts, node.outputs[0] as Value);
    }
  }

  steps(): readonly Step[] {
    return this.#places.flatMap((step) => step ?? []);
  }

  #put(product: FoldedProduct, place: number): void {
    this.#places[place] = stepOfProduct(product, !this.#context.isLeading(product.output));
    this.#products.set(product.output, { product, place });
  }

  /** The product, which the caller puts elsewhere. */
  #taken({ output }: FoldedProduct): void {
    const found = this.#products.get(output);
    if (found) this.#places[found.place] = undefined;
    this.#products.delete(output);
  }

  /** (s x) w as s (x w). */
  #withScaledFactors(product: FoldedProduct): FoldedProduct {
    let { a, b, alpha } = product;
    const unscaled = ({ value, shape }: Factor): Factor => {
      const source = this.#source(value);
      // A multiple of a product may be a product by now, and what it was a multiple of not made at all.
      const found = this.#products.has(source) ? undefined : this.#scaled(source);
      if (!found) return { value, shape };
      alpha *= found.scale;
      return unscaled({ value: found.of, shape });
    };
    a = unscaled(a);
    b = unscaled(b);
    return { ...product, a, b, alpha };
  }

  /** Columns of a split matrix where they lie, instead of a copy of them. */
  #withPartialFactors(product: FoldedProduct): FoldedProduct {
    const partial = (factor: Factor): Factor => {
      const node = this.#makers.get(factor.value)?.node;
      if (node?.op !== 'SplitV') return factor;
      const [whole] = node.inputs as readonly [Value];
      const { axis, numOrSizeSplits } = node.attributes;
      const isMatrix = whole.shape.length === 2 && axis === 1 && `${factor.shape}` === `${factor.value.shape}`;
      if (!isMatrix) return factor;
      const index = node.outputs.indexOf(factor.value);
      const first = numOrSizeSplits.slice(0, index).reduce((sum, each) => sum + each, 0);
      return { value: whole, shape: whole.shape, columns: { first, count: numOrSizeSplits[index] as number } };
    };
    return { ...product, a: partial(product.a), b: partial(product.b) };
  }

  /** Products written side by side where they will be joined. */
  #parts(node: Extract<Node, { op: 'Concat' }>): readonly FoldedProduct[] | undefined {
    const output = node.outputs[0] as Value;
    if (output.shape.length !== 2 || node.attributes.axis !== 1) return undefined;
    const products = node.inputs.flatMap((input) => {
      const product = this.#onlyReadHere(input);
      return product && !product.addend && `${product.shape}` === `${input.shape}` ? [product] : [];
    });
    if (products.length < node.inputs.length) return undefined;
    for (const product of products) this.#taken(product);
    return products;
  }

  /** s (x w) with s as the product's own. */
  #multiple(node: Extract<Node, { op: 'Multiply' }>): FoldedProduct | undefined {
    const output = node.outputs[0] as Value;
    const found = this.#scaled(output);
    const product = found && this.#onlyReadHere(found.of);
    if (!product || product.bias || product.addend) return undefined;
    this.#taken(product);
    return { ...product, alpha: product.alpha * found.scale, output };
  }

  #sum(node: Extract<Node, { op: 'Add' }>): FoldedProduct | undefined {
    const output = node.outputs[0] as Value;
    const [left, right] = node.inputs as readonly [Value, Value];
    // The later product adds to the earlier one, whose result is there by then.
    for (const [each, other] of [
      [right, left],
      [left, right],
    ] as const) {
      const product = this.#onlyReadHere(each);
      if (!product || sizeOf(each.shape) !== sizeOf(output.shape)) continue;
      const added = isRow(other, product, output)
        ? !product.bias && { bias: other }
        : !product.addend && this.#isLike(other, output) && { addend: other };
      if (!added) continue;
      this.#taken(product);
      return { ...product, ...added, output };
    }
    return undefined;
  }

  /** Whether a value has the numbers of another, stored alike. */
  #isLike(value: Value, other: Value): boolean {
    const { storageOf } = this.#context;
    return sizeOf(value.shape) === sizeOf(other.shape) && storageOf(value) === storageOf(other);
  }

  /** A product whose result, perhaps under another shape, is read once. */
  #onlyReadHere(value: Value): FoldedProduct | undefined {
    if (this.#readers.get(value) !== 1) return undefined;
    const product = this.#products.get(value)?.product;
    const maker = this.#makers.get(value);
    return product ?? (maker?.isView ? this.#onlyReadHere(maker.inputs[0] as Value) : undefined);
  }

  /** What a value shows under another shape. */
  #source(value: Value): Value {
    const maker = this.#makers.get(value);
    return maker?.isView ? this.#source(maker.inputs[0] as Value) : value;
  }

  /** What a value is a constant multiple of. */
  #scaled(value: Value): { readonly of: Value; readonly scale: number } | undefined {
    const node = this.#makers.get(value)?.node;
    if (node?.op !== 'Multiply') return undefined;
    const [left, right] = node.inputs as readonly [Value, Value];
    for (const [of, factor] of [
      [left, right],
      [right, left],
    ] as const) {
      const scale = this.#context.numberOf(factor);
      if (scale !== undefined && sizeOf(of.shape) === sizeOf(value.shape)) return { of, scale };
    }
    return undefined;
  }
}

/** Whether a value is one row that is repeated for every row of the product. */
function isRow(value: Value, { shape }: FoldedProduct, output: Value): boolean {
  const columns = shape.at(-1) as number;
  if (sizeOf(value.shape) !== columns || sizeOf(shape) === columns) return false;
  const lengths = value.shape.slice(value.shape.findIndex((length) => length !== 1));
  const inner = lengths.every((length, axis) => length === output.shape[output.shape.length - lengths.length + axis]);
  return value.shape.length <= output.shape.length && inner;
}
