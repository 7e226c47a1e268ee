import * as tf from '@tensorflow/tfjs';

type Tensors<Names extends string> = Readonly<Record<Names, tf.Tensor>>;
type Result = tf.Tensor | tf.Tensor[];

/** One way to compute an operation: named tensors and plain attributes in, one tensor or several out. */
export type Composition<Names extends string, Attributes, Output extends Result = tf.Tensor> = (
  inputs: Tensors<Names>,
  attributes: Attributes,
) => Output;

export interface OperationDefinition<
  Names extends string,
  Attributes extends tf.NamedAttrMap,
  Output extends Result,
  Results extends string = 'output',
> {
  /** The kernel name a backend registers to run this operation as one call, e.g. `PeftLayerNorm`. */
  readonly name: string;
  /** The operation in plain tfjs operations, for every backend without a kernel of that name. */
  readonly compose: Composition<Names, Attributes, Output>;
  /** Faster ways for one backend, by backend name. */
  readonly onBackend?: Readonly<Record<string, Composition<Names, Attributes, Output>>>;
  /** Names of the results in order, for `saves`; a single one is `output`. */
  readonly results?: readonly Results[];
  readonly gradient?: {
    /** Inputs and results that the gradient reads. */
    readonly saves: readonly (NoInfer<Names> | NoInfer<Results>)[];
    /** One thunk per differentiable input; a thunk nobody needs is never called. `dy` belongs to the first result. */
    readonly of: (
      dy: tf.Tensor,
      saved: Tensors<Names | Results>,
      attributes: Attributes,
    ) => Partial<Record<Names, () => tf.Tensor>>;
  };
}

/**
 * Makes a function that runs `definition` as one kernel call on the active backend.
 *
 * A backend's own kernel of that name wins; else the composition is registered for that backend on first use,
 * so loading this package twice, as ESM and as CJS, registers everything once.
 */
export function operation<
  Names extends string,
  Attributes extends tf.NamedAttrMap,
  Output extends Result = tf.Tensor,
  Results extends string = 'output',
>(definition: OperationDefinition<Names, Attributes, Output, Results>): Composition<Names, Attributes, Output> {
  const { name } = definition;
  return (inputs, attributes) => {
    registerGradientOnce(definition);
    registerKernelOnce(definition);
    return tf.engine().runKernel(name, inputs, attributes) as Output;
  };
}

function registerKernelOnce<Names extends string, Attributes extends tf.NamedAttrMap, Output extends Result>(
  definition: Pick<OperationDefinition<Names, Attributes, Output>, 'name' | 'compose' | 'onBackend'>,
): void {
  const { name: kernelName, compose, onBackend = {} } = definition;
  const backendName = activeBackend();
  if (tf.getKernel(kernelName, backendName) !== undefined) return;
  const run = onBackend[backendName] ?? compose;
  tf.registerKernel({
    kernelName,
    backendName,
    // The engine hands its kernels the caller's tensors, whatever the parameter's type says.
    kernelFunc: ({ inputs, attrs }) =>
      tf.tidy(() => run(inputs as unknown as Tensors<Names>, attrs as unknown as Attributes)),
  });
}

function registerGradientOnce<
  Names extends string,
  Attributes extends tf.NamedAttrMap,
  Output extends Result,
  Results extends string,
>({ name: kernelName, gradient, results: given }: OperationDefinition<Names, Attributes, Output, Results>): void {
  if (gradient === undefined || tf.getGradient(kernelName) !== undefined) return;
  const { saves, of } = gradient;
  const results: readonly string[] = given ?? ['output'];
  const inputsToSave = saves.filter((name) => !results.includes(name));
  // The engine hands back the inputs as they are listed, then the results in their own order.
  const order = [...inputsToSave, ...results.filter((name) => saves.includes(name as Results))];
  tf.registerGradient({
    kernelName,
    inputsToSave,
    outputsToSave: results.map((name) => saves.includes(name as Results)),
    gradFunc: (dy, saved, attrs) => {
      const named = Object.fromEntries(order.map((name, index) => [name, saved[index]]));
      return of(
        (Array.isArray(dy) ? dy[0] : dy) as tf.Tensor,
        named as Tensors<Names | Results>,
        attrs as unknown as Attributes,
      ) as Record<string, () => tf.Tensor>;
    },
  });
}

/** Name of the active backend; starts the best one when none has run yet. */
function activeBackend(): string {
  tf.backend();
  return tf.getBackend();
}
