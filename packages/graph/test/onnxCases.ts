import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { type Graph, type InputTensors, type OnnxOptions, runPasses } from '../src/index.ts';
import { captureCase } from './caseGraph.ts';
import { opCases } from './opCases.ts';
import { type Captured, replayEngine } from './replayEngine.ts';
import { toySteps, trainToy } from './toySteps.ts';
import { images, smallVit, trainVit, vitForward } from './vitStep.ts';

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

/** First steps of the toy model and of a small ViT, as captured and after the passes, and the ViT's logits. */
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
  await trainVit(engineFor('ViT-LoRA'));
  const model = smallVit();
  const graph = vitForward(model);
  const inputs = { pixelValues: images(3) };
  visit({ name: 'ViT-forward', graph, inputs });
  visit({ name: 'ViT-forward-inside', graph: runPasses(graph), inputs, weights: 'inside' });
  visit({ name: 'ViT-forward-external', graph: runPasses(graph), inputs, weights: 'external' });
  tf.dispose(inputs);
}
