import * as tf from '@tensorflow/tfjs';
import { type Captured, capture, type Graph, type OutputTree } from '../src/index.ts';
import { type OpCase, valuesOf } from './opCases.ts';

type Inputs = Record<string, tf.Tensor>;

/** A case as a function of named inputs: its outputs, and the gradients of their weighted sum by its float inputs. */
export function caseFunction({ inputs, run, hasGradient }: Omit<OpCase, 'name'>) {
  const names = inputs.map((_, index) => `x${index}`);
  return (given: Captured<Record<string, tf.Tensor>>): OutputTree => {
    const tensors = names.map((name) => given[name] as tf.Tensor);
    const outputs = [run(...tensors)].flat();
    const named = Object.fromEntries(outputs.map((output, index) => [`y${index}`, output]));
    if (!hasGradient) return named;
    const places = inputs.flatMap(({ kind }, index) =>
      ['float', 'positive', 'distinct'].includes(kind as string) ? [index] : [],
    );
    const sum = (...parts: tf.Tensor[]) => {
      const all = tensors.map((tensor, index) => parts[places.indexOf(index)] ?? tensor);
      const terms = [run(...all)].flat().map((output) => tf.sum(tf.mul(output, tf.add(tf.sin(output), 1.5))));
      return tf.addN(terms) as tf.Scalar;
    };
    const grads = tf.grads(sum)(places.map((index) => tensors[index] as tf.Tensor));
    return { ...named, ...Object.fromEntries(grads.map((grad, index) => [`d${places[index]}`, grad])) };
  };
}

/** Inputs by name, the values eager tfjs gives, and the graph. */
export function captureCase(each: Omit<OpCase, 'name'>, seed: number): { inputs: Inputs; eager: Inputs; graph: Graph } {
  const inputs = Object.fromEntries(each.inputs.map((input, index) => [`x${index}`, valuesOf(input, seed + index)]));
  const run = caseFunction(each);
  const eager = tf.tidy(() => run(inputs) as Inputs);
  return { inputs, eager, graph: capture(run, { inputs }) };
}
