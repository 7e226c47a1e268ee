import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { capture, type Graph, type InputTensors, type OnnxOptions, runPasses } from '../src/index.ts';
import { bertStep, bertValues, evenWeights, tinyBert } from './bertStep.ts';
import { captureCase } from './caseGraph.ts';
import { opCases } from './opCases.ts';
import { type Captured, replayEngine } from './replayEngine.ts';
import { toySteps, trainToy } from './toySteps.ts';

export interface OnnxCase {
  readonly name: string;
  readonly graph: Graph;
  readonly inputs: InputTensors;
  readonly weights?: OnnxOptions['weights'];
}

/** Two uses of every operation, forward and gradient, as captured and after the passes; the same at every call. */
export function* operationCases(): Generator<OnnxCase> {
  for (const [name, arbitrary] of Object.entries(opCases)) {
    for (const [index, each] of fc.sample(arbitrary, { seed: 11, numRuns: 2 }).entries()) {
      const { inputs, eager, graph } = captureCase(each, 100 + index);
      tf.dispose(eager);
      yield { name: `${name}-${index}`, graph, inputs };
      if (index === 1) yield { name: `${name}-${index}-passes`, graph: runPasses(graph), inputs };
      tf.dispose(inputs);
    }
  }
}

/** First steps of the toy model and of a small encoder of BERT's form, as captured and after the passes. */
export async function stepCases(visit: (each: OnnxCase) => void): Promise<void> {
  const visitGraphs = (name: string, { raw, rewritten }: Captured, inputs: InputTensors) => {
    visit({ name, graph: raw, inputs });
    visit({ name: `${name}-passes`, graph: rewritten, inputs });
  };
  const engineFor = (name: string) => () => {
    let isFirst = true;
    return replayEngine({
      onCapture: (captured, given) => {
        if (isFirst) visitGraphs(name, captured, given as unknown as InputTensors);
        isFirst = false;
      },
    });
  };
  for (const [name, step] of Object.entries(toySteps)) await trainToy(step, engineFor(name.replaceAll(' ', '-')));
  const { run, inputs: types, parameters } = bertStep(tinyBert, evenWeights(tinyBert));
  const raw = capture(run, { inputs: types, parameters });
  const rewritten = runPasses(raw);
  const inputs = bertValues(tinyBert) as unknown as InputTensors;
  visit({ name: 'BERT', graph: raw, inputs });
  visit({ name: 'BERT-inside', graph: rewritten, inputs, weights: 'inside' });
  visit({ name: 'BERT-external', graph: rewritten, inputs, weights: 'external' });
  tf.dispose(inputs as unknown as tf.TensorContainer);
}
