import * as tf from '@tensorflow/tfjs';

type Tensors<Names extends string> = Readonly<Record<Names, tf.Tensor>>;
type Result = tf.Tensor | tf.Tensor[];

/** One way to compute an operation: named tensors and plain attributes in, one tensor or several out. */
export type Composition<Names extends string, Attributes, Output extends Result = tf.Tensor> = (
  inputs: Tensors<Names>,
  attributes: Attributes,
) => Output;

export interface OperationDefinition<Names extends string, Attributes extends tf.NamedAttrMap, Output extends Result> {
  /** The kernel name a backend registers to run this operation as one call, e.g. `PeftLayerNorm`. */
  readonly name: string;
  /** The operation in plain tfjs operations, for every backend without a kernel of that name. */
  readonly compose: Composition<Names, Attributes, Output>;
  /** Faster ways for one backend, by backend name. */
  readonly onBackend?: Readonly<Record<string, Composition<Names, Attributes, Output>>>;
  readonly gradient?: {
    readonly saves: readonly NoInfer<Names>[];
    /** Whether `saved` holds the result too, as `output`. */
    readonly savesOutput?: boolean;
    /** One thunk per differentiable input; a thunk nobody needs is never called. */
    readonly of: (
      dy: tf.Tensor,
      saved: Tensors<Names> & { readonly output: tf.Tensor },
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
export function operation<Names extends string, Attributes extends tf.NamedAttrMap, Output extends Result = tf.Tensor>(
  definition: OperationDefinition<Names, Attributes, Output>,
): Composition<Names, Attributes, Output> {
  const { name } = definition;
  return (inputs, attributes) => {
    registerGradientOnce(definition);
    registerKernelOnce(definition);
    return tf.engine().runKernel(name, inputs, attributes) as Output;
  };
}

function registerKernelOnce<Names extends string, Attributes extends tf.NamedAttrMap, Output extends Result>(
  definition: OperationDefinition<Names, Attributes, Output>,
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

function registerGradientOnce<Names extends string, Attributes extends tf.NamedAttrMap, Output extends Result>({
  name: kernelName,
  gradient,
}: OperationDefinition<Names, Attributes, Output>): void {
  if (gradient === undefined || tf.getGradient(kernelName) !== undefined) return;
  const { saves, savesOutput = false, of } = gradient;
  tf.registerGradient({
    kernelName,
    inputsToSave: [...saves],
    outputsToSave: [savesOutput],
    gradFunc: (dy, saved, attrs) => {
      const named = Object.fromEntries([...saves, 'output'].map((tensor, index) => [tensor, saved[index]]));
      return of(
        dy as tf.Tensor,
        named as Tensors<Names> & { readonly output: tf.Tensor },
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
