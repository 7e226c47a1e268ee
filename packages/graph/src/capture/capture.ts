import * as tf from '@tensorflow/tfjs';
import type { Graph, Input, Output, Structure } from '../graph.ts';
import { GraphError } from '../graphError.ts';
import { dtypeOf, type TensorType, type TypedArray } from '../tensorType.ts';
import { type CaptureBackend, captureBackendName, registerCaptureBackend } from './captureBackend.ts';
import { guardRandom } from './guardRandom.ts';
import { guardVariables } from './guardVariables.ts';
import { Recorder } from './recorder.ts';
import { atPlace, stackDepth } from './userPlace.ts';

/** Shapes and dtypes of inputs by name, nested as the function takes them; a tensor stands for its own. Numbers pass through. */
export type InputTypes = {
  readonly [key: string]: { readonly shape: readonly number[]; readonly dtype: string } | number | InputTypes;
};

/** The same record with a tensor for each type. */
export type Captured<Types> = {
  readonly [Key in keyof Types]: Types[Key] extends number
    ? Types[Key]
    : Types[Key] extends { readonly shape: readonly number[]; readonly dtype: string }
      ? tf.Tensor
      : Captured<Types[Key]>;
};

/** What a captured function returns: tensors and plain numbers, nested. */
export type OutputTree = { readonly [key: string]: tf.Tensor | number | OutputTree };

export interface CaptureOptions<Types extends InputTypes> {
  readonly inputs: Types;
  /**
   * Names for what the function reads where it is: tensors made before the capture, and host arrays that it hands to
   * tfjs. A tensor without a name is called parameter0, parameter1, in the order of use.
   */
  readonly parameters?: Readonly<Record<string, tf.Tensor | TypedArray>>;
  /** Elements above which an array of uneven values made inside the function is refused; 4096 unless given. */
  readonly constantLimit?: number;
}

/**
 * Runs a synchronous tfjs function once on a backend that infers shapes instead of computing, and returns it as a
 * graph. Gradients are recorded too. What is no tensor in `inputs` is fixed: numbers, branches, loops.
 *
 * Frees every tensor it made and restores the backend.
 * @throws GraphError `graph/promise`, `graph/value-read`, `graph/constant`, `graph/random`, `graph/unsupported`,
 * `graph/variable`, `graph/output`, `graph/shape`, `graph/dtype`
 */
export function capture<Types extends InputTypes>(
  run: (inputs: Captured<Types>) => OutputTree,
  { inputs: types, parameters = {}, constantLimit = 4096 }: CaptureOptions<Types>,
): Graph {
  tf.backend();
  const former = tf.getBackend();
  const backend = registerCaptureBackend();
  if (backend.recorder) {
    throw new GraphError('graph/nested', 'capture is called inside a captured function; capture one after the other.');
  }
  const recorder = new Recorder({ parameters, constantLimit });
  const depth = Error.stackTraceLimit;
  const releaseVariables = guardVariables();
  const releaseRandom = guardRandom();
  Error.stackTraceLimit = stackDepth;
  backend.recorder = recorder;
  switchBackend(captureBackendName);
  try {
    tf.engine().startScope('capture');
    try {
      const { tree, inputs } = makeInputs(backend, types);
      const { outputs, structure } = readOutputs(run(tree as Captured<Types>), recorder);
      return recorder.builder.finish({ inputs, parameters: recorder.parameters, outputs, structure });
    } finally {
      tf.engine().endScope();
    }
  } catch (error) {
    throw explain(error);
  } finally {
    releaseVariables();
    releaseRandom();
    backend.release();
    backend.recorder = undefined;
    switchBackend(former);
    Error.stackTraceLimit = depth;
  }
}

// The switch itself is synchronous wherever the backend already exists; only its promise is not.
function switchBackend(name: string): void {
  void tf.setBackend(name);
}

function makeInputs(backend: CaptureBackend, types: InputTypes) {
  const inputs: Input[] = [];
  const visit = (level: InputTypes, prefix: string): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(level).map(([key, entry]) => {
        if (typeof entry === 'number') return [key, entry];
        if (!isType(entry)) return [key, visit(entry as InputTypes, `${prefix}${key}/`)];
        const name = `${prefix}${key}`;
        const value = { shape: [...entry.shape], dtype: dtypeOf(entry.dtype) };
        inputs.push({ name, value });
        return [key, backend.tensorOf(value, name)];
      }),
    );
  return { tree: visit(types, ''), inputs };
}

function isType(entry: InputTypes[string]): entry is TensorType {
  return typeof entry === 'object' && Array.isArray(entry.shape) && typeof entry.dtype === 'string';
}

function readOutputs(result: OutputTree, recorder: Recorder) {
  if (typeof (result as unknown as PromiseLike<unknown> | undefined)?.then === 'function') {
    (result as unknown as Promise<unknown>).then(undefined, () => {});
    throw new GraphError(
      'graph/promise',
      'capture: the function returned a promise; capture runs it once, synchronously: move what it awaits before or after it.',
    );
  }
  const outputs: Output[] = [];
  const visit = (level: unknown, prefix: string): Structure => {
    if (typeof level !== 'object' || level === null || Array.isArray(level) || level instanceof tf.Tensor) {
      const where = prefix === '' ? 'the function returned' : `output "${prefix.slice(0, -1)}" is`;
      throw new GraphError(
        'graph/output',
        `capture: ${where} ${kindOf(level)}, not a record of tensors and numbers; return { name: tensor }.`,
      );
    }
    return Object.fromEntries(
      Object.entries(level).map(([key, entry]) => {
        if (typeof entry === 'number') return [key, entry];
        if (!(entry instanceof tf.Tensor)) return [key, visit(entry, `${prefix}${key}/`)];
        const name = `${prefix}${key}`;
        outputs.push({ name, value: recorder.valueOf(entry) });
        return [key, { output: name }];
      }),
    );
  };
  return { structure: visit(result, ''), outputs };
}

function kindOf(value: unknown): string {
  if (value instanceof tf.Tensor) return 'a tensor';
  if (Array.isArray(value)) return 'a list';
  return value === null || value === undefined ? `${value}` : `a ${typeof value}`;
}

function explain(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof GraphError) return error;
  const kernel =
    error.message.match(/registered kernel '(\w+)' for backend/i)?.[1] ??
    error.message.match(/Kernel '(\w+)' not registered/)?.[1];
  if (kernel === undefined) return error;
  return new GraphError(
    'graph/unsupported',
    `capture: ${kernel}${atPlace(error.stack)} is no operation of the op table; write it with others, or keep this part out of the captured function.`,
    { cause: error },
  );
}
